"""Methods about accounts: signing in, sessions and handles."""

from typing import Any

from flask import Response, jsonify, request

from sandbox.bluesky import errors
from sandbox.bluesky.calls import Method, read_json, text_in
from sandbox.bluesky.ids import full_handle
from sandbox.bluesky.records import Access, Person, Refresh
from sandbox.bluesky.state import BlueskyState

PASSWORD = "sandbox-password"
NOBODY = "nobody."


def _create_session(state: BlueskyState, _caller: Person | None) -> Response:
    body = read_json()
    identifier = text_in(body, "identifier", "Input")
    password = text_in(body, "password", "Input")
    with state.lock:
        state.check_running()
        person = _identified(state, identifier)
        if person and not state.keeps(person, request.host_url):
            person = None
        if person is None or password != PASSWORD:
            raise errors.plain(401, "Invalid identifier or password")
        if state.settings.auth_factor and not body.get("authFactorToken"):
            message = "A sign in code has been sent to your email address"
            raise errors.XrpcError(401, "AuthFactorTokenRequired", message)
        return jsonify(session_of(state, person, *state.tokens.open(person.did)))


def _identified(state: BlueskyState, identifier: str) -> Person | None:
    if identifier.startswith("did:"):
        return state.known_person(identifier)
    if not is_somebody(identifier):
        return None
    return state.person(identifier)


def is_somebody(handle: str) -> bool:
    """Whether a handle is one: every possible one is, but for ``nobody.…`` and ``….invalid``."""
    try:
        name = full_handle(handle)
    except ValueError:
        return False
    is_free = name.startswith(NOBODY) or name.endswith(".invalid")
    return name == handle.lower() and not is_free


def session_of(
    state: BlueskyState, person: Person, access: Access, refresh: Refresh
) -> dict[str, Any]:
    """A session as its owner is told of it; this one server plays entryway and PDS."""
    return {
        "accessJwt": access.token,
        "refreshJwt": refresh.token,
        "handle": person.handle,
        "did": person.did,
        "didDoc": state.document_of(person.did, request.host_url),
        "emailConfirmed": True,
        "active": True,
    }


def _refresh_session(state: BlueskyState, caller: Person | None) -> Response:
    if request.get_data():
        raise errors.invalid("A request body was provided when none was expected")
    assert caller is not None
    with state.lock:
        state.check_running()
        return jsonify(session_of(state, caller, *state.tokens.refresh(_token())))


def _delete_session(state: BlueskyState, _caller: Person | None) -> Response:
    with state.lock:
        state.tokens.close(_token())
    return Response("", 200)


def _token() -> str:
    return request.headers["Authorization"].partition(" ")[2]


def _get_session(_state: BlueskyState, caller: Person | None) -> Response:
    assert caller is not None
    return jsonify(handle=caller.handle, did=caller.did, emailConfirmed=True, active=True)


def _resolve_handle(state: BlueskyState, _caller: Person | None) -> Response:
    handle = text_in(request.args, "handle", "Params")
    told = state.settings.handles
    if handle.lower() not in told and is_somebody(handle):
        return jsonify(did=state.person(handle).did)
    did = told.get(handle.lower())
    if did is None:
        raise errors.invalid("Unable to resolve handle")
    return jsonify(did=did)


def _typed_identifier() -> Any:
    body = request.get_json(silent=True)
    return body.get("identifier") if isinstance(body, dict) else None


SIGN_IN = {"sign_in": 1, "sign_in_day": 1}
METHODS = {
    "com.atproto.server.createSession": Method(
        "POST", "code", _create_session, names=_typed_identifier, spends=SIGN_IN
    ),
    "com.atproto.server.refreshSession": Method("POST", "token", _refresh_session, "refresh"),
    "com.atproto.server.deleteSession": Method("POST", "sign_out", _delete_session, "refresh"),
    "com.atproto.server.getSession": Method("GET", "me", _get_session, "access"),
    "com.atproto.identity.resolveHandle": Method("GET", "lookup", _resolve_handle),
}
