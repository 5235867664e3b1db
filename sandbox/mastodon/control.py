"""The control panel for tests, in JSON (see the README for every field)."""

from flask import Response, jsonify, request

from sandbox.control import BadRequest, Panel, read_body, read_handle
from sandbox.mastodon.state import MastodonState
from sandbox.mastodon.tokens import SCOPES

APP_NAME = "Tweet Later"
OURS = ("read:accounts", "read:statuses", "write:statuses", "write:media")
CALLBACK = "http://127.0.0.1/login/mastodon/callback"


class MastodonPanel(Panel):
    """The panel of Mastodon."""

    def __init__(self, state: MastodonState) -> None:
        super().__init__(state)
        self._mastodon = state

    def revoke(self) -> Response:
        """End somebody's tokens, or sweep all apps away as older servers do."""
        body = read_body("handle", "what")
        what = body.get("what", "all")
        if what not in ("all", "access", "apps"):
            raise BadRequest("what is all, access or apps")
        state = self._mastodon
        with state.lock:
            if what == "apps":
                state.tokens.forget_apps()
                return jsonify(revoked=what)
            person = state.person(read_handle(body))
            state.tokens.end_all_of(person.id)
        return jsonify(revoked=person.handle)

    def mint(self) -> tuple[Response, int]:
        """Make a token without the consent page, and the app that it belongs to."""
        body = read_body("handle", "kind", "scope")
        if body.get("kind", "user") != "user":
            raise BadRequest("kind is user")
        scopes = str(body.get("scope") or " ".join(OURS)).split()
        if set(scopes) - set(SCOPES):
            raise BadRequest(f"scope is of {', '.join(SCOPES)}, separated by spaces")
        state = self._mastodon
        with state.lock:
            person = state.person(read_handle(body))
            apps = [app for app in state.tokens.apps() if app.redirect_uris == [CALLBACK]]
            app = apps[0] if apps else state.tokens.register(APP_NAME, "", [CALLBACK], list(OURS))
            token = state.tokens.add(app.client_id, person.id, scopes)
        return jsonify(
            handle=person.handle,
            id=person.id,
            name=person.name,
            server_url=request.host_url.rstrip("/"),
            client_id=app.client_id,
            client_secret=app.client_secret,
            access_token=token.value,
            software=state.settings.software,
            version=state.settings.version,
        ), 201
