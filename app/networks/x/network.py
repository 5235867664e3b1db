"""X: API v2, and OAuth 2.0 with PKCE or OAuth 1.0a."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.networks import oauth
from app.networks.base import (
    ALL_LOOK_UPS,
    Body,
    Connection,
    Consent,
    Credentials,
    Limits,
    Network,
    Outcome,
    Part,
    Picture,
    Profile,
    SeenPost,
)
from app.networks.history import Asked, HistoryPage, Numbers, ReadKind
from app.networks.http import NoResponse, NotSent
from app.networks.text import comparable
from app.networks.x import auth, history, media, posts, timeline
from app.networks.x.client import XApi
from app.networks.x.text import check


class X(Network):
    """X, or any server that speaks its API at ``X_API_URL``.

    It finds links and mentions by itself, and says so itself when the parent of a post is gone.
    """

    name = "x"
    title = "X"
    usual_limits = posts.LIMITS
    threads = True
    reads = tuple(ReadKind)
    read_prices = history.PRICES
    smallest_reads: Mapping[ReadKind, int] = {
        kind: least for kind, (least, _) in history.PAGES.items()
    }
    numbers_at_once = history.NUMBERS_AT_ONCE

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._api = XApi(
            config["X_API_URL"],
            config["SEND_TIMEOUT"],
            client_id=config["X_CLIENT_ID"],
            client_secret=config["X_CLIENT_SECRET"],
            consumer_key=config["X_CONSUMER_KEY"],
            consumer_secret=config["X_CONSUMER_SECRET"],
        )
        self._flow = auth.flow_of(self._api, config["X_AUTHORIZE_URL"])
        self._site: str = config["X_SITE_URL"]
        self.ready = bool(self._api.client_id or self._api.consumer_key)
        self.is_local = oauth.is_played(self.name, config, self._api.url)
        oauth.allow_plain_http(self._api.url)

    def profile_url(self, handle: str) -> str:
        """Return the account's own page."""
        return f"{self._site}/{handle}"

    # Signing in

    def begin(
        self, _typed: Mapping[str, str], redirect_uri: str, signing_in: bool = True
    ) -> Consent:
        """Return X's consent page. Raises ConnectRefused, LookUpFailed."""
        return self._flow.begin(redirect_uri)

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> list[Connection]:
        """Take what the consent page sends back. Raises ConnectRefused, LookUpFailed."""
        token = self._flow.finish(memory, callback, redirect_uri)
        return [auth.connection_of(self._api, token)]

    def revoke(self, credentials: Credentials, start_by: float | None = None) -> bool:
        """End the access; never raises. False when there is no response."""
        with contextlib.suppress(NotSent, NoResponse):
            auth.revoke(self._api, credentials, start_by)
            return True
        return False

    def can_refresh(self, credentials: Credentials) -> bool:
        """True for OAuth 2.0 with offline access; OAuth 1.0a tokens do not expire."""
        return bool(credentials.get("refresh_token"))

    def refresh(self, credentials: Credentials, start_by: float | None = None) -> Credentials:
        """Spend the refresh token. Raises TokenRefused, RefreshUnclear, AppRefused."""
        return auth.refresh(self._api, credentials, start_by)

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask whose token it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        return auth.who_am_i(self._api, credentials)

    # Publishing

    def check(self, written: str, limits: Limits) -> None:
        """Raise TextProblem for a text that X does not take."""
        check(written, limits.characters)

    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Store a picture. Raises UploadRefused, LookUpFailed, TokenRefused."""
        return media.upload(self._api, credentials, picture)

    def body(self, part: Part, _prepared: Mapping[str, Any] | None = None) -> Body:
        """Return the JSON of ``POST /2/tweets``."""
        return posts.body_of(part)

    async def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Post a tweet; never raises."""
        return await posts.create(self._api, credentials, body, start_by, self._site)

    # Looking up

    def look_ups_before_resend(self, _credentials: Credentials, _first_sent_at: datetime) -> int:
        """Return more than there are: the timeline lags, so only all delays together prove it."""
        return ALL_LOOK_UPS

    def comparable(self, body: Body) -> str:
        """Return the body's text in the form in which look-ups compare it."""
        return comparable(body.get("text") or "")

    def recent(
        self,
        credentials: Credentials,
        remote_id: str,
        since: datetime,
        _bodies: Sequence[Body] = (),
    ) -> list[SeenPost]:
        """Read the account's timeline. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        return timeline.recent(self._api, credentials, remote_id, since, self._site)

    # Learning

    def lets_read(self, credentials: Credentials, kinds: Collection[ReadKind]) -> bool:
        """True when what was granted includes these lists; OAuth 1.0a grants all of them."""
        return auth.lets_read(credentials, kinds)

    def begin_reading(
        self, _credentials: Credentials, kinds: Collection[ReadKind], redirect_uri: str
    ) -> Consent:
        """Return X's consent page, which asks for these lists, too.

        Raises ConnectRefused, LookUpFailed.
        """
        return self._flow.begin(redirect_uri, kinds)

    def history(self, credentials: Credentials, remote_id: str, asked: Asked) -> HistoryPage:
        """Read a page, which is charged. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        return history.history(self._api, credentials, remote_id, asked, self._site)

    def numbers(self, credentials: Credentials, remote_ids: Sequence[str]) -> dict[str, Numbers]:
        """Ask for posts by id, which is charged, too. Raises what ``history`` raises."""
        return history.numbers(self._api, credentials, remote_ids)
