"""Signing in at X, refreshing and revoking tokens.

OAuth 2.0 with PKCE when the app has a client id, OAuth 1.0a otherwise.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token

from app import untrusted
from app.networks.base import (
    LOOK_UP_SECONDS,
    REFRESH_SECONDS,
    Connection,
    Consent,
    Credentials,
    Profile,
)
from app.networks.errors import (
    DAY_SECONDS,
    AppRefused,
    ConnectRefused,
    LookUpFailed,
    LookUpRefused,
    RefreshUnclear,
    TokenRefused,
)
from app.networks.history import ReadKind
from app.networks.http import LibraryAdapter, NoResponse, NotSent, Response
from app.networks.oauth import check_issuer, check_state
from app.networks.responses import known_shape, object_in
from app.networks.x.client import XApi, is_oauth1
from app.networks.x.responses import profile_of, reading_of

TOKEN_PATH = "/2/oauth2/token"
SCOPES = "tweet.read tweet.write users.read media.write offline.access"
"""What every sign-in asks for."""
READING = {ReadKind.LIKES: "like.read", ReadKind.FOLLOWS: "follows.read"}
"""What is asked for beyond that to read a list."""
MAX_SCOPE_CHARACTERS = 500
CALL_SECONDS = 10.0
"""For one call of a sign-in: somebody waits for the page."""
MAX_TOKEN_SECONDS = int(10 * 366 * DAY_SECONDS)
"""For which a token may be valid."""


@dataclass(frozen=True)
class OAuth2Flow:
    """The code flow; the verifier stays in the person's own cookie."""

    api: XApi
    authorize_url: str

    def begin(self, redirect_uri: str, kinds: Collection[ReadKind] = ()) -> Consent:
        """Return the consent page's URL, with a fresh state and PKCE challenge.

        :param kinds: the lists that shall be read.
        """
        verifier = generate_token(64)
        scope = " ".join([SCOPES, *(READING[kind] for kind in READING if kind in kinds)])
        session = self._session(redirect_uri, scope)
        url, state = session.create_authorization_url(self.authorize_url, code_verifier=verifier)
        return Consent(url, {"state": state, "verifier": verifier, "scope": scope})

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> Mapping[str, Any]:
        """Exchange the code; return X's token response, with its scope."""
        check_state(memory.get("state"), callback.get("state"))
        check_issuer(callback, self.authorize_url, self.api.url)
        if callback.get("error"):
            raise ConnectRefused("denied", callback["error"])
        scope = str(memory.get("scope") or SCOPES)
        with _as_our_errors():
            token: Mapping[str, Any] = self._session(redirect_uri, scope).fetch_token(
                f"{self.api.url}{TOKEN_PATH}",
                code=callback.get("code", ""),
                code_verifier=memory["verifier"],
                timeout=CALL_SECONDS,
                allow_redirects=False,
            )
        return {"scope": scope, **token}

    def _session(self, redirect_uri: str, scope: str) -> Any:
        # Here: workers sign nobody in, and save 3 MiB.
        from authlib.integrations.requests_client import OAuth2Session

        session = OAuth2Session(
            self.api.client_id,
            self.api.client_secret,
            scope=scope,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self.api.client_secret else "none",
        )
        return _with_our_calls(session)


@dataclass(frozen=True)
class OAuth1Flow:
    """The three-legged flow; the request token's secret stays in the person's own cookie."""

    api: XApi

    def begin(self, redirect_uri: str, kinds: Collection[ReadKind] = ()) -> Consent:
        """Ask for a request token; return the consent page's URL.

        :param kinds: lists that shall be read, for which these tokens suffice.
        """
        session = self._session(redirect_uri)
        with _as_our_errors():
            token = session.fetch_request_token(
                f"{self.api.url}/oauth/request_token", timeout=CALL_SECONDS, allow_redirects=False
            )
            memory = {"state": token["oauth_token"], "secret": token["oauth_token_secret"]}
        page = f"{self.api.url}/oauth/authorize"
        return Consent(session.create_authorization_url(page, memory["state"]), memory)

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> Mapping[str, Any]:
        """Exchange the verifier; return X's token response."""
        check_state(memory.get("state"), callback.get("oauth_token") or callback.get("denied"))
        check_issuer(callback, self.api.url)
        if callback.get("denied"):
            raise ConnectRefused("denied")
        session = self._session(redirect_uri, token=memory["state"], token_secret=memory["secret"])
        with _as_our_errors():
            token: Mapping[str, Any] = session.fetch_access_token(
                f"{self.api.url}/oauth/access_token",
                verifier=callback.get("oauth_verifier", ""),
                timeout=CALL_SECONDS,
                allow_redirects=False,
            )
            return {"token": token["oauth_token"], "token_secret": token["oauth_token_secret"]}

    def _session(self, redirect_uri: str, **request_token: str) -> Any:
        keys = self.api.consumer_key or "", self.api.consumer_secret or ""
        # Here: see OAuth2Flow.
        from authlib.integrations.requests_client import OAuth1Session

        return _with_our_calls(OAuth1Session(*keys, redirect_uri=redirect_uri, **request_token))


def _with_our_calls(session: Any) -> Any:
    """Make the library's session call as all other code does: with deadlines and size limits."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, LibraryAdapter())
    return session


@contextlib.contextmanager
def _as_our_errors() -> Iterator[None]:
    """Raise LookUpFailed or ConnectRefused; what X sent stays out of it: it might be a token."""
    try:
        yield
    except requests.RequestException as error:
        raise LookUpFailed(type(error).__name__) from error
    except AuthlibBaseError as error:
        raise ConnectRefused("refused", str(error.error or "")[:60]) from error
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ConnectRefused("refused", type(error).__name__) from error


def flow_of(api: XApi, authorize_url: str) -> OAuth1Flow | OAuth2Flow:
    """Return how people sign in at X with this app's keys."""
    return OAuth2Flow(api, authorize_url) if api.client_id else OAuth1Flow(api)


def connection_of(api: XApi, token: Mapping[str, Any]) -> Connection:
    """Return the account that a token response opens. Raises ConnectRefused, LookUpFailed."""
    try:
        credentials = dict(token) if is_oauth1(token) else oauth2_credentials(token)
        return Connection(who_am_i(api, credentials), credentials)
    except (KeyError, TokenRefused, LookUpRefused) as error:
        raise ConnectRefused("refused", type(error).__name__) from error


def who_am_i(api: XApi, credentials: Credentials) -> Profile:
    """Ask ``/2/users/me``. Raises TokenRefused, LookUpFailed, LookUpRefused."""
    with known_shape():
        query = {"user.fields": "profile_image_url"}
        response = api.within(LOOK_UP_SECONDS).read("/2/users/me", query, credentials=credentials)
        return profile_of(reading_of(response)["data"])


def oauth2_credentials(token: Mapping[str, Any]) -> Credentials:
    """Return what is kept of a token response. Raises KeyError for one without a token.

    The response may be odd in all else: the old pair is spent, so its successor must not be lost.
    """
    now = int(time.time())
    seconds = untrusted.whole(token.get("expires_in"), 1, MAX_TOKEN_SECONDS)
    told = untrusted.whole(token.get("expires_at"), 1, now + MAX_TOKEN_SECONDS)
    access_token = untrusted.secret(token["access_token"])
    if access_token is None:
        raise KeyError("access_token")
    return {
        "access_token": access_token,
        "refresh_token": untrusted.secret(token.get("refresh_token")),
        "expires_at": told if seconds is None else now + seconds,
        "scope": untrusted.line(token.get("scope"), MAX_SCOPE_CHARACTERS),
    }


def lets_read(credentials: Credentials, kinds: Collection[ReadKind]) -> bool:
    """Whether these lists may be read; OAuth 1.0a has no scopes."""
    granted = str(credentials.get("scope") or SCOPES).split()
    return is_oauth1(credentials) or all(
        READING[kind] in granted for kind in kinds if kind in READING
    )


def refresh(api: XApi, credentials: Credentials, start_by: float | None) -> Credentials:
    """Spend the refresh token, which works once: the caller holds the account's lease.

    :param start_by: on http.boottime(), after which the call is not begun.
    :raises TokenRefused: X knows neither this token nor, any more, this access.
    :raises RefreshUnclear: no response, or one that says nothing; the token may be spent.
    :raises AppRefused: X does not accept this app's own id and secret.
    """
    form = {"grant_type": "refresh_token", "refresh_token": credentials["refresh_token"]}
    try:
        response = api.within(REFRESH_SECONDS).call(
            "POST", TOKEN_PATH, start_by=start_by, **_as_the_app(api, form)
        )
    except (NotSent, NoResponse) as error:
        raise RefreshUnclear(str(error)) from error
    return _refreshed(response, credentials)


def _refreshed(response: Response, old: Credentials) -> Credentials:
    data = object_in(response)
    if response.status == 200 and untrusted.secret(data.get("access_token")):
        new = oauth2_credentials(data)
        kept = {name: new[name] or old.get(name) for name in ("refresh_token", "scope")}
        return {**new, **kept}
    error = str(data.get("error") or "")
    if error in {"invalid_client", "unauthorized_client"}:
        raise AppRefused(str(data.get("error_description") or error))
    if data and response.status in {400, 401, 403}:  # an empty or HTML one is a gateway's
        raise TokenRefused(str(data.get("error_description") or error))
    raise RefreshUnclear(f"HTTP {response.status}")


def revoke(api: XApi, credentials: Credentials, start_by: float | None) -> None:
    """Tell X that this access is no longer wanted (docs: revoke token, invalidate token).

    :param start_by: on http.boottime(), after which the call is not begun.
    :raises NotSent, NoResponse: as ``http.call``.
    """
    seconds = min(api.timeout, REFRESH_SECONDS)
    api = api.within(seconds)
    if is_oauth1(credentials):
        path = "/1.1/oauth/invalidate_token.json"
        api.call("POST", path, credentials=credentials, start_by=start_by)
        return
    for name in ("refresh_token", "access_token"):
        form = {"token": str(credentials.get(name) or ""), "token_type_hint": name}
        if form["token"]:
            api = api.within(max(1.0, api.seconds_left()))
            api.call("POST", "/2/oauth2/revoke", start_by=start_by, **_as_the_app(api, form))
            if start_by is not None:
                start_by += seconds  # the second call waits for the first


def _as_the_app(api: XApi, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the content of a call in the app's own name; a public client has only an id."""
    if api.client_secret:
        return {"auth": (api.client_id, api.client_secret), "data": form}
    return {"data": {**form, "client_id": api.client_id or ""}}
