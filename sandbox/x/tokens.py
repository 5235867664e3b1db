"""OAuth 2.0 codes and tokens of the sandbox: who holds them and whether they still count."""

import secrets
from dataclasses import asdict
from typing import Any

from sandbox.core.clock import Clock
from sandbox.core.store import Store
from sandbox.x.records import Code, Pair
from sandbox.x.settings import Settings

KIND = "x_pair"


class TokenBook:
    """Codes, access tokens and refresh tokens. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: Settings, store: Store) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._forget()
        for record in store.records(KIND):
            self._index(Pair(**record))

    def add_code(self, **facts: Any) -> Code:
        """Remember a code that a person's consent produced; ``facts`` are Code's fields."""
        code = Code(expires_at=self._clock.now() + self._settings.code_seconds, **facts)
        self._codes[code.code] = code
        return code

    def spend_code(self, code: str, client_id: str, redirect_uri: str | None) -> Code | None:
        """The code's facts, the first time it is shown in time by the right client, else None.

        A code that was shown once is gone, whether the exchange then succeeds or not.
        """
        known = self._codes.get(code)
        if known is None or known.client_id != client_id:
            return None
        del self._codes[code]
        in_time = self._clock.now() < known.expires_at
        return known if in_time and known.redirect_uri == redirect_uri else None

    def add_pair(
        self, client_id: str, person_id: str, scope: str, family: str | None = None
    ) -> Pair:
        """Issue an access token, with a refresh token if ``offline.access`` was granted."""
        offline = "offline.access" in scope.split()
        pair = Pair(
            access_token=secrets.token_urlsafe(48),
            refresh_token=secrets.token_urlsafe(48) if offline else None,
            client_id=client_id,
            person_id=person_id,
            scope=scope,
            expires_at=self._clock.now() + self._settings.access_token_seconds,
            family=family or secrets.token_hex(8),
        )
        self._index(pair)
        self._save(pair)
        return pair

    def by_access(self, token: str) -> Pair | None:
        """The pair of a live access token."""
        pair = self._by_access.get(token)
        if pair is None or pair.access_ended or pair.expires_at <= self._clock.now():
            return None
        return pair

    def by_either(self, token: str) -> Pair | None:
        """The pair that an access or refresh token belongs to, live or not."""
        return self._by_access.get(token) or self._by_refresh.get(token)

    def spend_refresh(self, token: str, client_id: str) -> Pair | None:
        """The pair of an unspent refresh token of ``client_id``, which is spent by this call.

        Showing a spent one again ends its whole family when ``family_revocation`` is set.
        """
        pair = self._by_refresh.get(token)
        if pair is None or pair.client_id != client_id:
            return None
        if pair.refresh_spent:
            if self._settings.family_revocation:
                self._end([other for other in self._pairs if other.family == pair.family])
            return None
        pair.refresh_spent = True
        self._save(pair)
        return pair

    def end(self, pair: Pair) -> None:
        """Revoke both tokens of ``pair``."""
        self._end([pair])

    def end_all_of(self, person_id: str, only_access: bool = False) -> None:
        """Revoke every token of a person, or only the access tokens."""
        self._end([p for p in self._pairs if p.person_id == person_id], only_access)

    def clear(self) -> None:
        """Forget every code and token."""
        self._forget()
        self._store.empty(KIND)

    def _end(self, pairs: list[Pair], only_access: bool = False) -> None:
        for pair in pairs:
            pair.access_ended = True
            pair.refresh_spent = pair.refresh_spent or not only_access
            self._save(pair)

    def _forget(self) -> None:
        self._codes: dict[str, Code] = {}
        self._pairs: list[Pair] = []
        self._by_access: dict[str, Pair] = {}
        self._by_refresh: dict[str, Pair] = {}

    def _index(self, pair: Pair) -> None:
        self._pairs.append(pair)
        self._by_access[pair.access_token] = pair
        if pair.refresh_token is not None:
            self._by_refresh[pair.refresh_token] = pair

    def _save(self, pair: Pair) -> None:
        self._store.put(KIND, pair.access_token, asdict(pair))
