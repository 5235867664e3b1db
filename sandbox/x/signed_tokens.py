"""OAuth 1.0a tokens of the sandbox and the nonces it has seen."""

import secrets
import time
from dataclasses import asdict

from sandbox.core.store import Store
from sandbox.x.records import RequestToken, SignedToken

KIND = "x_signed_token"
TIMESTAMP_TOLERANCE = 300  # seconds


class SignedTokenBook:
    """Request tokens, access tokens, nonces. The caller holds the state's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._forget()
        for record in store.records(KIND):
            token = SignedToken(**record)
            self._tokens[token.token] = token

    def use_nonce(self, consumer_key: str, token: str | None, timestamp: str, nonce: str) -> bool:
        """Whether this nonce is new for its client, token and second; then it is used up."""
        seen = (consumer_key, token, timestamp, nonce)
        if seen in self._nonces:
            return False
        if len(self._nonces) >= self._prune_at:
            self._prune_nonces()
        self._nonces.add(seen)
        return True

    def add_request(self, token: RequestToken) -> None:
        """Remember temporary credentials."""
        self._requests[token.token] = token

    def request(self, token: str | None) -> RequestToken | None:
        """Temporary credentials that were not yet exchanged or refused."""
        return self._requests.get(token or "")

    def approve(self, token: RequestToken, person_id: str, pin: bool) -> str:
        """Note a person's consent; returns the verifier (seven digits for ``pin``)."""
        token.verifier = f"{secrets.randbelow(10**7):07}" if pin else secrets.token_urlsafe(24)
        token.person_id = person_id
        return token.verifier

    def spend_request(self, token: str) -> RequestToken | None:
        """The temporary credentials, once."""
        return self._requests.pop(token, None)

    def add(self, token: SignedToken) -> SignedToken:
        """Issue an access token."""
        self._tokens[token.token] = token
        self._save(token)
        return token

    def find(self, token: str | None) -> SignedToken | None:
        """The access token of that name, live or ended."""
        return self._tokens.get(token or "")

    def end(self, token: SignedToken) -> None:
        """Revoke an access token."""
        token.ended = True
        self._save(token)

    def end_all_of(self, person_id: str) -> None:
        """Revoke every access token of a person."""
        for token in self._tokens.values():
            if token.person_id == person_id:
                self.end(token)

    def clear(self) -> None:
        """Forget every token."""
        self._forget()
        self._store.empty(KIND)

    def _forget(self) -> None:
        self._requests: dict[str, RequestToken] = {}
        self._tokens: dict[str, SignedToken] = {}
        self._nonces: set[tuple[str, str | None, str, str]] = set()
        self._prune_at = 50_000

    def _prune_nonces(self) -> None:
        # A timestamp outside the tolerance is refused anyway, so its nonce needs no memory.
        oldest = time.time() - TIMESTAMP_TOLERANCE - 5
        self._nonces = {seen for seen in self._nonces if int(seen[2]) >= oldest}
        self._prune_at = len(self._nonces) + 50_000

    def _save(self, token: SignedToken) -> None:
        self._store.put(KIND, token.token, asdict(token))
