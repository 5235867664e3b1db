"""What every method of the AT Protocol passes: who calls, rate limits, faults, headers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, request

from sandbox.bluesky import errors
from sandbox.bluesky.effects import FAULTS
from sandbox.bluesky.limits import Spending
from sandbox.bluesky.records import Person
from sandbox.bluesky.state import BlueskyState

View = Callable[[BlueskyState, Person | None], Response]


@dataclass(frozen=True)
class Method:
    """One method: its verb, what the control panel calls it, and whose token it needs.

    What one method does can be several operations: then a function tells which it is.
    ``names`` finds the handle or DID that a call without a token is about; ``spends`` are the
    points that it takes from the caller's limits, by their names.
    """

    verb: str
    operation: str | Callable[[], str]
    view: View
    token: str = ""
    names: Callable[[], Any] | None = None
    spends: Mapping[str, int] | None = None


def make_xrpc(state: BlueskyState, methods: Mapping[str, Method]) -> Blueprint:
    """The routes under ``/xrpc``."""
    routes = Blueprint("bluesky_xrpc", __name__)

    @routes.route("/xrpc/<name>", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    def call(name: str) -> Response:
        method = methods.get(name)
        if method is None:
            raise errors.plain(501)
        if request.method != method.verb:
            wanted = f"Incorrect HTTP method ({request.method}) expected {method.verb}"
            raise errors.invalid(wanted)
        return _answer(state, method)

    @routes.after_request
    def add_headers(answer: Response) -> Response:
        answer.headers.update(getattr(g, "limit_headers", {}))
        return answer

    return routes


def _answer(state: BlueskyState, method: Method) -> Response:
    operation = method.operation if isinstance(method.operation, str) else method.operation()
    with state.lock:
        state.calls.count(operation)
        caller = _caller(state, method.token)
        person = caller or _named(state, method)
        _spend(state, method, person)
    handle = person.handle if person else None
    instead = FAULTS.before(state, operation, handle)
    if instead is not None:
        return instead
    answer = method.view(state, caller)
    return FAULTS.after(state, operation, handle, answer)


def _caller(state: BlueskyState, kind: str) -> Person | None:
    if not kind:
        return None
    header = request.headers.get("Authorization")
    if not header:
        raise errors.missing_token()
    scheme, _, token = header.partition(" ")
    if scheme != "Bearer":
        raise errors.bad_token("Unexpected authorization type")
    tokens = state.tokens
    did = tokens.holder(token) if kind == "access" else tokens.refresh_holder(token)
    return state.person_of(did)


def _named(state: BlueskyState, method: Method) -> Person | None:
    name = method.names() if method.names else None
    return state.known_person(name) if isinstance(name, str) else None


def _spend(state: BlueskyState, method: Method, person: Person | None) -> None:
    spendings: list[Spending] = [("ip", request.remote_addr or "", 1)]
    if person is not None:
        mine = (method.spends or {}).items()
        spendings += [(name, person.did, points) for name, points in mine]
    fits, g.limit_headers = state.limits.spend(spendings)
    if not fits:
        raise errors.plain(429)


def read_json() -> dict[str, Any]:
    """The body of a call that takes JSON."""
    if request.mimetype != "application/json":
        message = f"Wrong request encoding (Content-Type): {request.mimetype or 'none'}"
        raise errors.invalid(message)
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise errors.invalid("A request body was provided when none was expected, or is no object")
    return body


def text_in(values: Mapping[str, Any], name: str, path: str) -> str:
    """A text that a call must give."""
    value = values.get(name)
    if not isinstance(value, str) or not value:
        raise errors.invalid(f'{path} must have the property "{name}"')
    return value
