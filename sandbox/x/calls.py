"""What every call of X passes: who calls and may, rate limits, faults, headers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from uuid import uuid4

from flask import Request, Response, g, request

from sandbox.x import errors
from sandbox.x.effects import FAULTS
from sandbox.x.oauth1 import Signatures
from sandbox.x.prices import FLAT
from sandbox.x.records import Person
from sandbox.x.state import XState

VERSION = "2.167"
View = Callable[..., Response]


@dataclass(frozen=True)
class Caller:
    """Who calls, through which client. ``scopes`` is None for an OAuth 1.0a caller."""

    person: Person
    client: str
    scopes: frozenset[str] | None
    access_level: str

    def check_may(self, needed: tuple[str, ...]) -> None:
        """Raise XError unless the token covers ``needed`` scopes."""
        if self.scopes is None:
            if "tweet.write" in needed and self.access_level == "read":
                raise errors.read_only()
        elif not self.scopes.issuperset(needed):
            raise errors.plain(403)


def identify(state: XState, signatures: Signatures, request: Request) -> Caller:
    """The caller of ``request``. Raises XError (401) when nobody can be made out."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _bearer(state, credentials.strip())
    if scheme.lower() == "oauth":
        token = signatures.verified_token(request)
        with state.lock:
            person = state.person_by_id(token.person_id)
        if person is not None:
            return Caller(person, token.consumer_key, None, token.access_level)
    raise errors.plain(401)


def _bearer(state: XState, access_token: str) -> Caller:
    with state.lock:
        pair = state.tokens.by_access(access_token)
        person = state.person_by_id(pair.person_id) if pair else None
    if pair is None or person is None:
        raise errors.plain(401)
    scopes = frozenset(pair.scope.split())
    level = "read-write" if "tweet.write" in scopes else "read"
    return Caller(person, pair.client_id, scopes, level)


class Guard:
    """What every call passes before and after its view."""

    def __init__(self, state: XState, signatures: Signatures) -> None:
        self._state = state
        self._signatures = signatures

    def around(self, view: View, operation: str, scopes: tuple[str, ...]) -> View:
        """``view`` with everything around it that does not depend on what it does."""
        state = self._state

        @wraps(view)
        def guarded(**where: str) -> Response:
            caller = self._admit(operation, scopes)
            instead = FAULTS.before(state, operation, caller.person.handle)
            if instead is not None:
                return instead
            answer = view(state, caller, **where)
            with state.lock:
                state.ledger.charge(FLAT.get(operation, 0))
            return FAULTS.after(state, operation, caller.person.handle, answer)

        return guarded

    def _admit(self, operation: str, scopes: tuple[str, ...]) -> Caller:
        state = self._state
        with state.lock:
            state.calls.count(operation)
        caller = identify(state, self._signatures, request)
        g.access_level = caller.access_level
        caller.check_may(scopes)
        with state.lock:
            fits, g.limit_headers = state.limits.spend(operation, caller.person.id)
            if not fits:
                raise errors.plain(429)
            state.ledger.check()
        return caller


def add_headers(answer: Response) -> Response:
    """Put on rate limits (``g.limit_headers``), access level and the ids that X adds."""
    answer.headers.update(getattr(g, "limit_headers", {}))
    if hasattr(g, "access_level"):
        answer.headers["x-access-level"] = g.access_level
    answer.headers["x-transaction-id"] = uuid4().hex[:16]
    answer.headers["api-version"] = VERSION
    return answer
