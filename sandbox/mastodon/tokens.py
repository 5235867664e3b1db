"""The scopes, apps, codes and tokens of the Mastodon of the sandbox."""

import base64
import hashlib
import secrets
import time
from dataclasses import asdict
from typing import Any

from sandbox.core import Clock, Store
from sandbox.mastodon.errors import MastodonError, OAuthError
from sandbox.mastodon.records import App, Code, Token
from sandbox.mastodon.settings import MastodonSettings

APP, TOKEN = "mastodon_app", "mastodon_token"
SCOPES = {
    "profile": "Read who you are",
    "read": "Read all of your account",
    "read:accounts": "See who you are",
    "read:statuses": "See your posts",
    "read:favourites": "See your favourites",
    "read:bookmarks": "See your bookmarks",
    "read:follows": "See whom you follow",
    "write": "Change all of your account",
    "write:statuses": "Publish posts",
    "write:media": "Upload pictures",
    "follow": "Change whom you follow",
    "push": "Get your notifications",
}
INVALID_GRANT = (
    "The provided authorization grant is invalid, expired, revoked, does not match the "
    "redirection URI used in the authorization request, or was issued to another client."
)


def covers(granted: list[str], wanted: str) -> bool:
    """Whether scopes include one: ``write`` includes ``write:media``."""
    return wanted in granted or wanted.partition(":")[0] in granted


class MastodonTokens:
    """Every app, code and token. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: MastodonSettings, store: Store) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._codes: dict[str, Code] = {}
        self._apps = {record["client_id"]: App(**record) for record in store.records(APP)}
        self._tokens = {record["value"]: Token(**record) for record in store.records(TOKEN)}

    def register(self, name: str, website: str, redirect_uris: list[str], scopes: list[str]) -> App:
        """A new app; nothing keeps one from registering twice."""
        app = App(
            client_id=secrets.token_urlsafe(32),
            client_secret=secrets.token_urlsafe(32),
            name=name,
            website=website,
            redirect_uris=redirect_uris,
            scopes=scopes,
        )
        self._apps[app.client_id] = app
        self._store.put(APP, app.client_id, asdict(app))
        return app

    def app(self, client_id: str) -> App | None:
        """The app of that id."""
        return self._apps.get(client_id)

    def apps(self) -> list[App]:
        """Every app, in order of registration."""
        return list(self._apps.values())

    def forget_apps(self) -> None:
        """Sweep all apps away, as older servers do with those that seem unused."""
        self._apps.clear()
        self._store.empty(APP)

    def add_code(self, **facts: Any) -> Code:
        """Remember a code that a person's consent produced; ``facts`` are Code's fields."""
        expires_at = self._clock.now() + self._settings.code_seconds
        code = Code(code=secrets.token_urlsafe(32), expires_at=expires_at, **facts)
        self._codes[code.code] = code
        return code

    def forget_app(self, client_id: str) -> None:
        """End one app."""
        self._apps.pop(client_id, None)
        self._store.empty(APP)
        for app in self._apps.values():
            self._store.put(APP, app.client_id, asdict(app))

    def gave(self, code: str) -> bool:
        """Whether this code was once given to somebody."""
        return code in self._codes

    def last_code(self, client_id: str) -> Code:
        """The facts of whoever signed in last with an app. Raises OAuthError if nobody did."""
        known = [code for code in self._codes.values() if code.client_id == client_id]
        if not known:
            raise OAuthError(400, "invalid_grant", INVALID_GRANT)
        return known[-1]

    def spend_code(self, code: str, client_id: str, redirect_uri: str, verifier: str) -> Code:
        """The code's facts, the first time it is shown, in time and as it was asked for.

        Raises OAuthError.
        """
        known = self._codes.get(code)
        if (
            known is None
            or known.spent
            or known.expires_at <= self._clock.now()
            or (known.client_id, known.redirect_uri) != (client_id, redirect_uri)
            or known.challenge != (_challenge_of(verifier) if verifier else "")
        ):
            raise OAuthError(400, "invalid_grant", INVALID_GRANT)
        known.spent = True
        return known

    def add(self, client_id: str, person_id: str, scopes: list[str]) -> Token:
        """Issue a token."""
        value = secrets.token_urlsafe(32)
        token = Token(value, client_id, person_id, scopes, created_at=time.time())
        self._tokens[value] = token
        self._store.put(TOKEN, value, asdict(token))
        return token

    def find(self, value: str) -> Token | None:
        """The token, dead or alive."""
        return self._tokens.get(value)

    def live(self, value: str) -> Token:
        """The token that still counts. Raises MastodonError."""
        token = self._tokens.get(value)
        if token is None or token.ended:
            word = "revoked_token" if token else "invalid_token"
            raise MastodonError(self._settings.dead_token_status, word)
        return token

    def end(self, token: Token) -> None:
        """Revoke a token."""
        token.ended = True
        self._store.put(TOKEN, token.value, asdict(token))

    def end_all_of(self, person_id: str) -> None:
        """Revoke all of a person's tokens."""
        for token in self._tokens.values():
            if token.person_id == person_id and not token.ended:
                self.end(token)

    def clear(self) -> None:
        """Forget every app, code and token."""
        self._codes, self._tokens = {}, {}
        self._store.empty(TOKEN)
        self.forget_apps()


def _challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
