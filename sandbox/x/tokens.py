"""The apps that the X of the sandbox knows, and every code and token.

| kind | id | secret |
|---|---|---|
| OAuth 2.0, confidential | ``sandbox-client`` | ``sandbox-secret`` |
| OAuth 2.0, public | ``sandbox-public`` | none |
| OAuth 1.0a consumer | ``sandbox-consumer`` | ``sandbox-consumer-secret`` |

Registered callbacks of all three: ``/login/x/callback`` on any port of this machine.
"""

import hmac
import re
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin

from sandbox.core import Clock, Store
from sandbox.x.records import Code, Pair, RequestToken, SignedToken
from sandbox.x.settings import XSettings

PAIR, SIGNED = "x_pair", "x_signed_token"
TIMESTAMP_TOLERANCE = 300  # seconds
CALLBACK = re.compile(r"https?://(?:127\.0\.0\.1|localhost)(?::\d{1,5})?/login/x/callback")
CONSUMERS = {"sandbox-consumer": "sandbox-consumer-secret"}
SCOPES = {
    "tweet.read": "See its timeline and Tweets",
    "tweet.write": "Post and delete Tweets",
    "users.read": "See its profile",
    "media.write": "Upload pictures and videos",
    "offline.access": "Stay connected while you are away",
    "like.read": "See the Tweets it likes",
    "follows.read": "See whom it follows",
}


@dataclass(frozen=True)
class Client(ClientMixin):
    """A registered OAuth 2.0 app; one without a secret is public."""

    client_id: str
    secret: str | None
    name: str = "Tweet Later"

    def get_client_id(self) -> str:
        """The app's public id."""
        return self.client_id

    def get_default_redirect_uri(self) -> Any:
        """None: every authorization names its own."""
        return None

    def get_allowed_scope(self, scope: Any) -> str:
        """All that was asked for; unknown scopes were refused before."""
        return str(scope or "")

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether the address is a registered callback, to the letter."""
        return is_registered(redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether the secret is this app's."""
        return self.secret is not None and hmac.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Basic for the confidential app, nothing for the public one."""
        return method == ("none" if self.secret is None else "client_secret_basic")

    def check_response_type(self, response_type: str) -> bool:
        """Only codes."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Codes and refreshing."""
        return grant_type in ("authorization_code", "refresh_token")


CLIENTS = {
    client.client_id: client
    for client in (Client("sandbox-client", "sandbox-secret"), Client("sandbox-public", None))
}


def is_registered(callback: str) -> bool:
    """Whether ``callback`` is one of the registered addresses."""
    return CALLBACK.fullmatch(callback) is not None


class XTokens:
    """Codes, access tokens and refresh tokens. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: XSettings, store: Store) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._forget()
        for record in store.records(PAIR):
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
        self._store.empty(PAIR)

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
        self._store.put(PAIR, pair.access_token, asdict(pair))


class SignedTokenBook:
    """Request tokens, access tokens, nonces. The caller holds the state's lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._forget()
        for record in store.records(SIGNED):
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
        self._store.empty(SIGNED)

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
        self._store.put(SIGNED, token.token, asdict(token))
