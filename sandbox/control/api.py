"""The control panel for tests, in JSON (see the README for every field)."""

import threading
from typing import Any, Protocol

from flask import Blueprint, Response, jsonify, request

from sandbox.faults.plan import FaultBoard
from sandbox.x.clients import CLIENTS, CONSUMERS, SCOPES
from sandbox.x.records import Person, SignedToken
from sandbox.x.signatures import new_secret
from sandbox.x.state import XState


class BadRequest(ValueError):
    """The body of a control call is not what the README describes."""


class Settable(Protocol):
    """Settings that can be told."""

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""


class Controlled(Protocol):
    """What the panel needs of the network that it controls."""

    lock: threading.RLock
    faults: FaultBoard

    @property
    def settings(self) -> Settable:
        """Its knobs."""

    def facts(self, handle: str | None = None, with_tweets: bool = True) -> dict[str, Any]:
        """What happened so far."""

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Change settings, all or none."""

    def reset(self, keep_tokens: bool = False) -> None:
        """Forget everything."""


def make_control_api(state: XState) -> Blueprint:
    """The routes under ``/control/api`` of X."""
    return make_panel_routes(XPanel(state))


def make_panel_routes(panel: "Panel") -> Blueprint:
    """The routes under ``/control/api``; each network has a panel of its own."""
    routes = Blueprint("control_api", __name__, url_prefix="/control/api")
    routes.register_error_handler(ValueError, _explain)
    for method, path, view in (
        ("GET", "/state", panel.facts),
        ("GET", "/faults", panel.list_faults),
        ("POST", "/faults", panel.add_fault),
        ("DELETE", "/faults", panel.remove_faults),
        ("DELETE", "/faults/<int:fault_id>", panel.remove_faults),
        ("POST", "/settings", panel.change_settings),
        ("POST", "/revoke", panel.revoke),
        ("POST", "/reset", panel.reset),
        ("POST", "/tokens", panel.mint),
    ):
        routes.add_url_rule(path, f"{method} {path}", view, methods=[method])
    return routes


class Panel:
    """One method for each call."""

    def __init__(self, state: Controlled) -> None:
        self._state = state

    def facts(self) -> Response:
        """What happened so far."""
        with_tweets = request.args.get("list", "1") != "0"
        return jsonify(self._state.facts(request.args.get("handle"), with_tweets))

    def list_faults(self) -> Response:
        """The faults that are left."""
        return jsonify(faults=self._state.faults.active())

    def add_fault(self) -> tuple[Response, int]:
        """Set a fault."""
        return jsonify(fault=self._state.faults.add(read_body())), 201

    def remove_faults(self, fault_id: int | None = None) -> Response:
        """Take one fault away, or all."""
        self._state.faults.remove(fault_id)
        return self.list_faults()

    def change_settings(self) -> Response:
        """Change settings, all or none."""
        self._state.change_settings(read_body())
        return jsonify(settings=self._state.settings.as_dict())

    def reset(self) -> Response:
        """Begin anew."""
        keep_tokens = read_body("keep_tokens").get("keep_tokens") is True
        self._state.reset(keep_tokens)
        return self.facts()

    def revoke(self) -> Response:
        """End somebody's tokens."""
        raise NotImplementedError

    def mint(self) -> tuple[Response, int]:
        """Make tokens without the consent page."""
        raise NotImplementedError


class XPanel(Panel):
    """The panel of X."""

    def __init__(self, state: XState) -> None:
        super().__init__(state)
        self._x = state

    def revoke(self) -> Response:
        """End a person's tokens, or only the OAuth 2.0 access tokens."""
        body = read_body("handle", "what")
        what = body.get("what", "all")
        if what not in ("all", "access"):
            raise BadRequest("what is all or access")
        person = _person(self._x, body)
        self._x.revoke(person, only_access=what == "access")
        return jsonify(revoked=person.handle)

    def mint(self) -> tuple[Response, int]:
        """Make OAuth 2.0 or OAuth 1.0a tokens for anybody."""
        body = read_body("handle", "kind", "scope", "client_id")
        kind = body.get("kind", "oauth2")
        if kind not in MINTS:
            raise BadRequest(f"kind is one of {', '.join(MINTS)}")
        with self._x.lock:
            person = _person(self._x, body)
            token = MINTS[kind](self._x, person, body)
        return jsonify({"handle": person.handle, "id": person.id, "name": person.name} | token), 201


def _mint_pair(state: XState, person: Person, body: dict[str, Any]) -> dict[str, Any]:
    client_id = body.get("client_id", "sandbox-client")
    scope = body.get("scope", " ".join(SCOPES))
    if client_id not in CLIENTS:
        raise BadRequest(f"client_id is one of {', '.join(CLIENTS)}")
    pair = state.tokens.add_pair(client_id, person.id, scope)
    return {
        "token_type": "bearer",
        "access_token": pair.access_token,
        "refresh_token": pair.refresh_token,
        "expires_in": int(state.settings.access_token_seconds),
        "expires_at": int(state.clock.to_real(pair.expires_at)),
        "scope": pair.scope,
    }


def _mint_signed(state: XState, person: Person, body: dict[str, Any]) -> dict[str, Any]:
    consumer_key, consumer_secret = next(iter(CONSUMERS.items()))
    token = state.signed_tokens.add(
        SignedToken(f"{person.id}-{new_secret()}", new_secret(), consumer_key, person.id)
    )
    return {
        "consumer_key": consumer_key,
        "consumer_secret": consumer_secret,
        "oauth_token": token.token,
        "oauth_token_secret": token.secret,
    }


MINTS = {"oauth2": _mint_pair, "oauth1": _mint_signed}


def _person(state: XState, body: dict[str, Any]) -> Person:
    return state.person(read_handle(body))


def read_handle(body: dict[str, Any]) -> str:
    """The handle that a body names. Raises BadRequest when it names none."""
    if not isinstance(body.get("handle"), str):
        raise BadRequest("handle is missing")
    return str(body["handle"])


def read_body(*allowed: str) -> dict[str, Any]:
    """The call's JSON object with no field but ``allowed``, any if none. Raises BadRequest."""
    # Anything but JSON would let a page of another site send this with a plain form.
    if request.content_length and request.mimetype != "application/json":
        raise BadRequest("Content-Type must be application/json")
    body = request.get_json(silent=True) if request.content_length else {}
    if not isinstance(body, dict):
        raise BadRequest("the body is a JSON object")
    unknown = set(body) - set(allowed) if allowed else set()
    if unknown:
        raise BadRequest(f"unknown field {min(unknown)!r}")
    return body


def _explain(error: Exception) -> tuple[Response, int]:
    return jsonify(error=str(error)), 400
