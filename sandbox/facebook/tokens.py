"""The app, scopes, codes and tokens of the Facebook of the sandbox."""

import hashlib
import hmac
import secrets
from dataclasses import asdict
from typing import Any

from sandbox.core import Clock, Store
from sandbox.facebook import errors
from sandbox.facebook.records import Code, Page, Token
from sandbox.facebook.settings import FacebookSettings

APP_ID = "100200300400500"
APP_SECRET = "sandbox-facebook-secret"
APP_NAME = "Tweet Later"
SCOPES = {
    "pages_show_list": "See the list of your Pages",
    "pages_manage_posts": "Publish posts and pictures on them",
    "pages_read_engagement": "Read what they published",
}
KIND = "facebook_token"
EXPIRED = 463
NEVER = 0.0


def proof_of(token: str) -> str:
    """The ``appsecret_proof`` of a token."""
    return hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()


class FacebookTokens:
    """Every code and token. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: FacebookSettings, store: Store) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._codes: dict[str, Code] = {}
        self._tokens = {record["value"]: Token(**record) for record in store.records(KIND)}

    def add_code(self, **facts: Any) -> Code:
        """Remember a code that a person's consent produced; ``facts`` are Code's fields."""
        expires_at = self._clock.now() + self._settings.code_seconds
        code = Code(code="AQ" + secrets.token_urlsafe(48), expires_at=expires_at, **facts)
        self._codes[code.code] = code
        return code

    def spend_code(self, code: str, redirect_uri: str) -> Code:
        """The code's facts, the first time it is shown in time and for its own address.

        Raises GraphError.
        """
        known = self._codes.get(code)
        if known is None:
            raise errors.GraphError(100, "Invalid verification code format.", subcode=36_001)
        if known.spent:
            words = "This authorization code has been used."
            raise errors.GraphError(100, words, subcode=36_009)
        known.spent = True
        if known.expires_at <= self._clock.now():
            words = "This authorization code has expired."
            raise errors.GraphError(100, words, subcode=36_007)
        if known.redirect_uri != redirect_uri:
            words = "Error validating verification code: redirect_uri is not the dialog's."
            raise errors.GraphError(100, words, subcode=36_008)
        return known

    def add_short(self, code: Code) -> Token:
        """The token of a person's consent."""
        expires_at = self._clock.now() + self._settings.short_token_seconds
        return self.add("short", code.person_id, code.scopes, code.declined, code.pages, expires_at)

    def add_long(self, old: Token) -> Token:
        """A token of the same consent that lives for 60 days."""
        expires_at = self._clock.now() + self._settings.long_token_seconds
        return self.add("long", old.person_id, old.scopes, old.declined, old.pages, expires_at)

    def add(
        self,
        kind: str,
        person_id: str,
        scopes: list[str],
        declined: list[str],
        pages: list[str],
        expires_at: float,
        **more: Any,
    ) -> Token:
        """Issue a token."""
        token = Token(
            value="EAA" + secrets.token_hex(48),
            kind=kind,
            person_id=person_id,
            scopes=scopes,
            declined=declined,
            pages=pages,
            issued_at=self._clock.now(),
            expires_at=expires_at,
            **more,
        )
        self._tokens[token.value] = token
        self._save(token)
        return token

    def of_page(self, owner: Token, page: Page) -> Token:
        """The Page's own token, the same one each time that the same person's token asks."""
        for token in self._tokens.values():
            if token.parent == owner.value and token.page_id == page.id and token.ended is None:
                return token
        ends = NEVER if owner.kind == "long" else owner.expires_at
        return self.add(
            "page", owner.person_id, owner.scopes, [], [], ends, page_id=page.id, parent=owner.value
        )

    def find(self, value: str) -> Token | None:
        """The token, dead or alive."""
        return self._tokens.get(value)

    def live(self, value: str) -> Token:
        """The token that still counts. Raises GraphError (190)."""
        token = self._tokens.get(value)
        if token is None:
            raise errors.unknown_token(value)
        subcode = self.end_of(token)
        if subcode is not None:
            raise errors.dead_token(subcode)
        return token

    def end_of(self, token: Token) -> int | None:
        """The subcode with which a token is refused, None while it counts."""
        if token.ended is not None:
            return token.ended
        is_over = token.expires_at != NEVER and token.expires_at <= self._clock.now()
        return EXPIRED if is_over else None

    def end_all_of(self, person_id: str, subcode: int, page_id: str | None = None) -> None:
        """End a person's tokens, or only those of one Page."""
        for token in self._tokens.values():
            is_meant = token.person_id == person_id and page_id in (None, token.page_id)
            if is_meant and token.ended is None:
                token.ended = subcode
                self._save(token)

    def clear(self) -> None:
        """Forget every code and token."""
        self._codes, self._tokens = {}, {}
        self._store.empty(KIND)

    def _save(self, token: Token) -> None:
        self._store.put(KIND, token.value, asdict(token))
