"""X's control panel: in JSON for tests (see the README for every field), as a page for people."""

from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from sandbox.control import (
    EVERYBODY,
    GROUPS,
    PAGE_LENGTH,
    PRESETS,
    BadRequest,
    Panel,
    describe,
    read_body,
    read_handle,
)
from sandbox.x.oauth1 import new_secret
from sandbox.x.records import Person, SignedToken
from sandbox.x.settings import XSettings
from sandbox.x.state import XState
from sandbox.x.tokens import CLIENTS, CONSUMERS, SCOPES

MESSAGES = {
    "removed": "The fault is gone.",
    "settings": "Changed.",
    "revoked": "Access revoked: the app has to ask for consent again.",
    "expired": "The access tokens ended: the app has to refresh.",
    "reset": "Everything is as on the first day.",
    "bad": "That cannot be done.",
}


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
        person = self._x.person(read_handle(body))
        self._x.revoke(person, only_access=what == "access")
        return jsonify(revoked=person.handle)

    def mint(self) -> tuple[Response, int]:
        """Make OAuth 2.0 or OAuth 1.0a tokens for anybody."""
        body = read_body("handle", "kind", "scope", "client_id")
        kind = body.get("kind", "oauth2")
        if kind not in MINTS:
            raise BadRequest(f"kind is one of {', '.join(MINTS)}")
        with self._x.lock:
            person = self._x.person(read_handle(body))
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


def make_control_page(state: XState) -> Blueprint:
    """The routes of ``GET /`` and its forms."""
    routes = Blueprint("control", __name__)
    desk = _Desk(state)
    routes.add_url_rule("/", "page", desk.page)
    for path, view in (
        ("/control/faults", desk.add_fault),
        ("/control/faults/<int:fault_id>/remove", desk.remove_fault),
        ("/control/settings", desk.change_settings),
        ("/control/revoke", desk.revoke),
        ("/control/reset", desk.reset),
    ):
        routes.add_url_rule(path, view.__name__, view, methods=["POST"])
    return routes


class _Desk:
    """The page and one method for each of its forms."""

    def __init__(self, state: XState) -> None:
        self._state = state

    def page(self) -> str:
        state = self._state
        with state.lock:
            return render_template(
                "control.html",
                tweets=state.posts.newest(PAGE_LENGTH),
                faults=[(fault["id"], describe(fault)) for fault in state.faults.active()],
                people=state.people(),
                settings=state.settings,
                calls=state.calls.by_operation.get("create", 0),
                groups=GROUPS,
                message=_message(request.args.get("done", "")),
            )

    def add_fault(self) -> AnyResponse:
        preset = PRESETS.get(request.form.get("preset", ""))
        handle = request.form.get("who", EVERYBODY)
        is_known = handle == EVERYBODY or self._state.known_person(handle) is not None
        if preset is None or not is_known:
            return _back("bad")
        self._state.faults.add(preset.fault | ({"handle": handle} if handle else {}))
        return _back(preset.name)

    def remove_fault(self, fault_id: int) -> AnyResponse:
        self._state.faults.remove(fault_id)
        return _back("removed")

    def change_settings(self) -> AnyResponse:
        lag = request.form.get("read_lag", "")
        if not lag.isdecimal():
            return _back("bad")
        refuse_duplicates = request.form.get("duplicates") == "refuse"
        window = XSettings().duplicate_window if refuse_duplicates else 0
        try:
            self._state.change_settings({"read_lag": int(lag), "duplicate_window": window})
        except ValueError:  # longer than a read lag can be
            return _back("bad")
        return _back("settings")

    def revoke(self) -> AnyResponse:
        action, _, handle = request.form.get("what", "").partition(" ")
        person = self._state.known_person(handle)
        if person is None or action not in ("revoke", "expire"):
            return _back("bad")
        self._state.revoke(person, only_access=action == "expire")
        return _back("revoked" if action == "revoke" else "expired")

    def reset(self) -> AnyResponse:
        self._state.reset()
        return _back("reset")


def _message(done: str) -> str:
    # Only known words become text, so that a link cannot put words into this page.
    preset = PRESETS.get(done)
    return f"Set: {preset.label}." if preset else MESSAGES.get(done, "")


def _back(done: str) -> AnyResponse:
    return redirect(url_for("control.page", done=done), 303)
