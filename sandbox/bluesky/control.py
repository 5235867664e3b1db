"""The control panel for tests, in JSON (see the README for every field)."""

from flask import Response, jsonify, request

from sandbox.bluesky.ids import full_handle
from sandbox.bluesky.state import BlueskyState
from sandbox.control import BadRequest, Panel, read_body, read_handle


class BlueskyPanel(Panel):
    """The panel of Bluesky; a handle without a domain is of ``.test``."""

    def __init__(self, state: BlueskyState) -> None:
        super().__init__(state)
        self._bluesky = state

    def add_fault(self) -> tuple[Response, int]:
        """Set a fault."""
        wanted = read_body()
        if isinstance(wanted.get("handle"), str):
            wanted["handle"] = full_handle(wanted["handle"])
        return jsonify(fault=self._bluesky.faults.add(wanted)), 201

    def revoke(self) -> Response:
        """Take somebody's app passwords back, or only end the access tokens."""
        body = read_body("handle", "what")
        what = body.get("what", "all")
        if what not in ("all", "access"):
            raise BadRequest("what is all or access")
        person = self._bluesky.person(read_handle(body))
        self._bluesky.revoke(person, only_access=what == "access")
        return jsonify(revoked=person.handle)

    def mint(self) -> tuple[Response, int]:
        """Make a session without a password."""
        state, body = self._bluesky, read_body("handle", "kind")
        if body.get("kind", "app_password") != "app_password":
            raise BadRequest("kind is app_password")
        with state.lock:
            person = state.person(read_handle(body))
            access, refresh = state.tokens.open(person.did)
            expires_at = int(state.clock.to_real(access.expires_at))
        return jsonify(
            handle=person.handle,
            id=person.did,
            name=person.name,
            pds_url=request.host_url.rstrip("/"),
            did=person.did,
            access_jwt=access.token,
            refresh_jwt=refresh.token,
            expires_at=expires_at,
        ), 201
