"""What every call of Mastodon passes: who calls and may, rate limits, faults, headers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Blueprint, Response, g, request

from sandbox.mastodon.effects import FAULTS
from sandbox.mastodon.errors import MastodonError
from sandbox.mastodon.records import Person, Token
from sandbox.mastodon.state import MastodonState
from sandbox.mastodon.tokens import covers

View = Callable[..., Response]


@dataclass(frozen=True)
class Caller:
    """Who calls, and with which token."""

    token: Token
    person: Person


@dataclass(frozen=True)
class Call:
    """One call of the API: what the control panel calls it, and the scope that it needs.

    Of several scopes, separated by spaces, one is enough.
    """

    method: str
    path: str
    operation: str
    scope: str


def add_call(routes: Blueprint, state: MastodonState, call: Call, view: View) -> None:
    """Add a route with token, scope, allowance and faults around its view."""

    @wraps(view)
    def guarded(**where: str) -> Response:
        with state.lock:
            state.calls.count(call.operation)
            caller = _identify(state, call.scope)
            fits, g.limit_headers = state.limits.spend(call.operation, caller.person.id)
        if not fits:
            raise MastodonError(429, "too_many")
        instead = FAULTS.before(state, call.operation, caller.person.handle)
        if instead is not None:
            return instead
        answer = view(state, caller, **where)
        return FAULTS.after(state, call.operation, caller.person.handle, answer)

    name = f"{call.method} {call.path}".replace(".", "_")
    routes.add_url_rule(call.path, name, guarded, methods=[call.method])


def add_headers(answer: Response) -> Response:
    """Put on what Mastodon tells of its allowances."""
    answer.headers.update(getattr(g, "limit_headers", {}))
    return answer


def fields() -> dict[str, Any]:
    """What a call carries: JSON, or a form in which ``name[]`` is a list. Raises MastodonError."""
    if request.mimetype == "application/json":
        body = request.get_json(silent=True)
        if not isinstance(body, dict):
            raise MastodonError(400, "bad_body")
        return body
    return {
        name.removesuffix("[]"): values if name.endswith("[]") else values[-1]
        for name, values in request.form.lists()
    }


def words(carried: dict[str, Any], name: str) -> str:
    """A text among the fields, empty when it is left out. Raises MastodonError."""
    value = carried.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MastodonError(422, "bad_value", name=name)
    return value


def _identify(state: MastodonState, scope: str) -> Caller:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer":
        raise MastodonError(401, "invalid_token")
    token = state.tokens.live(value)
    person = state.person_by_id(token.person_id)
    if person is None:
        raise MastodonError(422, "no_person")
    if not any(covers(token.scopes, one) for one in scope.split()):
        raise MastodonError(403, "scope")
    return Caller(token, person)
