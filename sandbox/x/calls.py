"""Finds out who calls X, by a Bearer token or an OAuth 1.0a signature."""

from dataclasses import dataclass

from flask import Request

from sandbox.x import errors
from sandbox.x.records import Person
from sandbox.x.signatures import Signatures
from sandbox.x.state import XState


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
