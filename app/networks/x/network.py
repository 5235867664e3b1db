"""X: API v2, OAuth 2.0 with PKCE or OAuth 1.0a, and look-ups on the account's own timeline."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from requests_oauthlib import OAuth1, OAuth2

from app import untrusted
from app.networks import http, oauth
from app.networks.base import (
    Body,
    Connection,
    Consent,
    Credentials,
    Field,
    Limits,
    Outcome,
    OutcomeKind,
    Part,
    Picture,
    Profile,
    SeenPost,
)
from app.networks.errors import (
    AppRefused,
    ConnectRefused,
    LookUpFailed,
    LookUpRefused,
    RefreshUnclear,
    TokenRefused,
)
from app.networks.responses import known_shape, unanswered
from app.networks.text import comparable
from app.networks.x.auth import OAuth1Flow, OAuth2Flow, oauth2_credentials, revoke
from app.networks.x.posts import LIMITS, body_of, upload
from app.networks.x.responses import (
    allowance_left_for,
    id_in,
    outcome_of,
    profile_of,
    reading_of,
    seen,
)
from app.networks.x.text import check

ALL_LOOK_UPS = 1_000
MAX_PAGES = 8
LOOK_UP_TIMEOUT = 20.0
"""Seconds for all pages of one look-up: a worker that is asked to stop has 25."""
REFRESH_TIMEOUT = 10.0
"""Seconds for one of two tries."""
EXPIRY_LEEWAY = 60.0


class X:
    """X, or any server that speaks its API at ``X_API_URL``."""

    name = "x"
    title = "X"
    usual_limits = LIMITS
    threads = True
    connect_fields: tuple[Field, ...] = ()

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._client_id: str | None = config["X_CLIENT_ID"]
        self._client_secret: str | None = config["X_CLIENT_SECRET"]
        self._consumer_key: str | None = config["X_CONSUMER_KEY"]
        self._consumer_secret: str | None = config["X_CONSUMER_SECRET"]
        self._api: str = config["X_API_URL"]
        self._authorize: str = config["X_AUTHORIZE_URL"]
        self._site: str = config["X_SITE_URL"]
        self._timeout: float = config["SEND_TIMEOUT"]
        self._is_played = self.name in (config.get("SANDBOX") or ())
        oauth.allow_plain_http(self._api)

    @property
    def ready(self) -> bool:
        """True when there are keys to sign in with."""
        return bool(self._client_id or self._consumer_key)

    @property
    def is_local(self) -> bool:
        """True when the sandbox plays it."""
        return self._is_played and oauth.is_loopback(self._api)

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
        """Take the answer of the consent page. Raises ConnectRefused, LookUpFailed."""
        token = self._flow.finish(memory, callback, redirect_uri)
        try:
            credentials = dict(token) if "token_secret" in token else oauth2_credentials(token)
            return [Connection(self.who_am_i(credentials), credentials)]
        except (KeyError, TokenRefused, LookUpRefused) as error:
            raise ConnectRefused("refused", type(error).__name__) from error

    @property
    def _flow(self) -> OAuth1Flow | OAuth2Flow:
        if self._client_id:
            token_url = f"{self._api}/2/oauth2/token"
            return OAuth2Flow(self._client_id, self._client_secret, self._authorize, token_url)
        return OAuth1Flow(self._consumer_key or "", self._consumer_secret or "", self._api)

    def revoke(self, credentials: Credentials, start_by: float | None = None) -> None:
        """End the access; never raises."""
        with contextlib.suppress(http.NotSent, http.NoResponse):
            signature = self._signature(credentials) if "token_secret" in credentials else None
            app = (self._client_id or "", self._client_secret or "")
            most = min(self._timeout, REFRESH_TIMEOUT)
            revoke(self._api, credentials, signature, app, most, start_by)

    def can_refresh(self, credentials: Credentials) -> bool:
        """True for OAuth 2.0 with offline access; OAuth 1.0a tokens do not expire."""
        return bool(credentials.get("refresh_token"))

    def is_expired(self, credentials: Credentials) -> bool:
        """True when the access token (2 hours) is over or will be within a minute."""
        expires_at = credentials.get("expires_at")
        if not expires_at:
            return False
        return time.time() + EXPIRY_LEEWAY >= float(expires_at)

    def refresh(self, credentials: Credentials, start_by: float | None = None) -> Credentials:
        """Spend the refresh token, which works once: the caller holds the account's lease.

        :raises TokenRefused: X knows neither this token nor, any more, this access.
        :raises RefreshUnclear: no answer, or none that says anything; it may be spent.
        :raises AppRefused: X does not accept this app's own id and secret.
        """
        form = {"grant_type": "refresh_token", "refresh_token": credentials["refresh_token"]}
        basic = None
        if self._client_secret:
            basic = (self._client_id, self._client_secret)
        else:
            form["client_id"] = self._client_id or ""
        try:
            answer = http.call(
                "POST",
                f"{self._api}/2/oauth2/token",
                timeout=min(self._timeout, REFRESH_TIMEOUT),
                auth=basic,
                start_by=start_by,
                data=form,
            )
        except (http.NotSent, http.NoResponse) as error:
            raise RefreshUnclear(str(error)) from error
        return self._refreshed(answer, credentials)

    def _refreshed(self, answer: http.Response, old: Credentials) -> Credentials:
        data = answer.data if isinstance(answer.data, dict) else {}
        if answer.status == 200 and untrusted.secret(data.get("access_token")):
            new = oauth2_credentials(data)
            return {**new, "refresh_token": new.get("refresh_token") or old["refresh_token"]}
        error = str(data.get("error") or "")
        if error in {"invalid_client", "unauthorized_client"}:
            raise AppRefused(str(data.get("error_description") or error))
        if data and answer.status in {400, 401, 403}:  # an empty or HTML one is a gateway's
            raise TokenRefused(str(data.get("error_description") or error))
        raise RefreshUnclear(f"HTTP {answer.status}")

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask ``/2/users/me``. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        with known_shape():
            query = {"user.fields": "profile_image_url"}
            return profile_of(self._read("/2/users/me", credentials, query)["data"])

    def connected_by(self, _credentials: Credentials) -> str:
        """Return nothing: here the account is the person."""
        return ""

    # Publishing

    def limits(self, _credentials: Credentials) -> Limits:
        """Return what fits into a post of everybody; some may write more."""
        return LIMITS

    def check(self, written: str, limits: Limits) -> None:
        """Raise TextProblem for a text that X does not take."""
        check(written, limits.characters)

    def needs_preparation(self, _text: str) -> bool:
        """False: X finds links and mentions by itself."""
        return False

    def prepare(self, _credentials: Credentials, _written: str) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Store a picture. Raises UploadRefused, LookUpFailed, TokenRefused."""
        return upload(self._api, self._signature(credentials), picture, self._timeout)

    def body(self, part: Part, _prepared: Mapping[str, Any] | None = None) -> Body:
        """Return the JSON of ``POST /2/tweets``."""
        return body_of(part)

    def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Post a tweet; docs/networks/x.md says what each answer means."""
        try:
            answer = http.call(
                "POST",
                f"{self._api}/2/tweets",
                timeout=self._timeout,
                start_by=start_by,
                auth=self._signature(credentials),
                json=body,
            )
        except (http.NotSent, http.NoResponse) as error:
            return unanswered(error)
        is_accepted = 200 <= answer.status < 300
        if is_accepted and (remote_id := id_in(answer.data)):
            return Outcome(
                OutcomeKind.OK,
                remote_id=remote_id,
                remote_url=f"{self._site}/i/web/status/{remote_id}",
                http_status=answer.status,
                request_id=answer.header("x-transaction-id"),
                answered_at=answer.at,
                pause_for=allowance_left_for(answer),
                reference={"id": remote_id},
            )
        return outcome_of(answer)

    def _signature(self, credentials: Credentials) -> Any:
        if "token_secret" in credentials:
            return OAuth1(
                self._consumer_key,
                self._consumer_secret,
                credentials["token"],
                credentials["token_secret"],
            )
        return OAuth2(self._client_id, token={"access_token": credentials.get("access_token", "")})

    # Looking up

    def lacks_parent(self, _credentials: Credentials, _body: Body) -> bool:
        """False: what is refused for that is told in so many words."""
        return False

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
        """Read ``/2/users/:id/tweets``, following ``next_token``: a busy account fills pages.

        :raises LookUpFailed: no usable answer, or more pages than MAX_PAGES.
        :raises LookUpRefused: reading is not allowed (402, 403, 404).
        :raises TokenRefused: 401.
        """
        with known_shape():
            pages = self._pages(credentials, remote_id, since)
            found = [seen(post, self._site) for page in pages for post in page.get("data") or []]
            return sorted(found, key=lambda post: post.created_at or since)

    def look_ups_before_resend(self, _credentials: Credentials, _first_sent_at: datetime) -> int:
        """Return more than there are: the timeline lags, so only all delays together prove it."""
        return ALL_LOOK_UPS

    def _pages(
        self, credentials: Credentials, remote_id: str, since: datetime
    ) -> Iterator[dict[str, Any]]:
        query = {
            "start_time": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "max_results": "100",
            "tweet.fields": "created_at,entities,referenced_tweets,attachments,note_tweet",
        }
        ends_at = time.monotonic() + LOOK_UP_TIMEOUT
        for _ in range(MAX_PAGES):
            left = ends_at - time.monotonic()
            if left <= 0:
                break
            page = self._read(f"/2/users/{remote_id}/tweets", credentials, query, left)
            yield page
            token = (page.get("meta") or {}).get("next_token")
            if not token:
                return
            query["pagination_token"] = token
        raise LookUpFailed("the timeline is too long to read")

    def _read(
        self,
        path: str,
        credentials: Credentials,
        query: Mapping[str, str],
        at_most: float = LOOK_UP_TIMEOUT,
    ) -> dict[str, Any]:
        try:
            answer = http.call(
                "GET",
                f"{self._api}{path}",
                timeout=min(self._timeout, at_most),
                auth=self._signature(credentials),
                params=query,
            )
        except (http.NotSent, http.NoResponse) as error:
            raise LookUpFailed(str(error)) from error
        return reading_of(answer)
