"""Signing in at X: OAuth 2.0 with PKCE when there is a client id, OAuth 1.0a otherwise."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth1Session, OAuth2Session

from app import untrusted
from app.networks import http
from app.networks.base import Consent, Credentials
from app.networks.errors import ConnectRefused, LookUpFailed
from app.networks.oauth import check_issuer, check_state

SCOPES = "tweet.read tweet.write users.read media.write offline.access"
SIGN_IN_TIMEOUT = 10.0
MAX_LIFE_SECONDS = 10 * 366 * 86_400
"""Seconds for which a token may be good."""
"""Seconds for one call: somebody waits for the page."""


@dataclass(frozen=True)
class OAuth2Flow:
    """The code flow; the verifier stays in the person's own cookie."""

    client_id: str
    client_secret: str | None
    authorize_url: str
    token_url: str

    def begin(self, redirect_uri: str) -> Consent:
        """Return the consent page's URL, with a fresh state and PKCE challenge."""
        verifier = generate_token(64)
        url, state = self._session(redirect_uri).create_authorization_url(
            self.authorize_url, code_verifier=verifier
        )
        return Consent(url, {"state": state, "verifier": verifier})

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> Mapping[str, Any]:
        """Exchange the code; return X's token answer."""
        check_state(memory.get("state"), callback.get("state"))
        check_issuer(callback, self.authorize_url, self.token_url)
        if callback.get("error"):
            raise ConnectRefused("denied", callback["error"])
        with _sentences():
            token: Mapping[str, Any] = self._session(redirect_uri).fetch_token(
                self.token_url,
                code=callback.get("code", ""),
                code_verifier=memory["verifier"],
                timeout=SIGN_IN_TIMEOUT,
                allow_redirects=False,
            )
        return token

    def _session(self, redirect_uri: str) -> Any:
        session = OAuth2Session(
            self.client_id,
            self.client_secret,
            scope=SCOPES,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self.client_secret else "none",
        )
        return _ours(session)


@dataclass(frozen=True)
class OAuth1Flow:
    """The three-legged flow; the request token's secret stays in the person's own cookie."""

    consumer_key: str
    consumer_secret: str
    api: str

    def begin(self, redirect_uri: str) -> Consent:
        """Ask for a request token; return the consent page's URL."""
        session = _ours(
            OAuth1Session(self.consumer_key, self.consumer_secret, redirect_uri=redirect_uri)
        )
        with _sentences():
            token = session.fetch_request_token(
                f"{self.api}/oauth/request_token", timeout=SIGN_IN_TIMEOUT, allow_redirects=False
            )
            memory = {"state": token["oauth_token"], "secret": token["oauth_token_secret"]}
        url = session.create_authorization_url(f"{self.api}/oauth/authorize", token["oauth_token"])
        return Consent(url, memory)

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> Mapping[str, Any]:
        """Exchange the verifier; return X's token answer."""
        check_state(memory.get("state"), callback.get("oauth_token") or callback.get("denied"))
        check_issuer(callback, self.api)
        if callback.get("denied"):
            raise ConnectRefused("denied")
        session = _ours(
            OAuth1Session(
                self.consumer_key,
                self.consumer_secret,
                token=memory["state"],
                token_secret=memory["secret"],
                redirect_uri=redirect_uri,
            )
        )
        with _sentences():
            token: Mapping[str, Any] = session.fetch_access_token(
                f"{self.api}/oauth/access_token",
                verifier=callback.get("oauth_verifier", ""),
                timeout=SIGN_IN_TIMEOUT,
                allow_redirects=False,
            )
            return {"token": token["oauth_token"], "token_secret": token["oauth_token_secret"]}


def _ours(session: Any) -> Any:
    """Let the library's session make its calls as all others are made: bounded, and in time."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, http.LibraryAdapter())
    return session


@contextlib.contextmanager
def _sentences() -> Iterator[None]:
    """Tell silence from refusal, and keep what X sent out of the error: it might be a token."""
    try:
        yield
    except requests.RequestException as error:
        raise LookUpFailed(type(error).__name__) from error
    except AuthlibBaseError as error:
        raise ConnectRefused("refused", str(error.error or "")[:60]) from error
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ConnectRefused("refused", type(error).__name__) from error


def oauth2_credentials(token: Mapping[str, Any]) -> Credentials:
    """Return what is kept of a token answer."""
    # A spent pair's successor must not be lost, whatever else the answer says.
    lasts = untrusted.whole(token.get("expires_in"), 1, MAX_LIFE_SECONDS)
    if lasts is not None:
        expires_at: int | None = int(time.time()) + lasts
    else:
        expires_at = untrusted.whole(
            token.get("expires_at"), 1, int(time.time()) + MAX_LIFE_SECONDS
        )
    access_token = untrusted.secret(token["access_token"])
    if access_token is None:
        raise KeyError("access_token")
    return {
        "access_token": access_token,
        "refresh_token": untrusted.secret(token.get("refresh_token")),
        "expires_at": expires_at,
    }


def revoke(
    api: str,
    credentials: Credentials,
    signature: Any,
    app: tuple[str, str],
    timeout: float,
    start_by: float | None,
) -> None:
    """Tell X that this access is no longer wanted (docs: revoke token, invalidate token).

    :param signature: of OAuth 1.0a; None for OAuth 2.0.
    :param app: client id and secret; the secret is empty for a public client.
    :param start_by: a moment on http.boottime() after which it is not told.
    :raises http.NotSent: and http.Unanswered.
    """
    if signature is not None:
        url = f"{api}/1.1/oauth/invalidate_token.json"
        http.call("POST", url, timeout=timeout, auth=signature, start_by=start_by)
        return
    ends_at = time.monotonic() + timeout
    for name in ("refresh_token", "access_token"):
        form = {"token": str(credentials.get(name) or ""), "token_type_hint": name}
        if not app[1]:
            form["client_id"] = app[0]
        if form["token"]:
            left = max(1.0, ends_at - time.monotonic())
            basic = app if app[1] else None
            url = f"{api}/2/oauth2/revoke"
            http.call("POST", url, timeout=left, auth=basic, start_by=start_by, data=form)
            start_by = (
                None if start_by is None else start_by + timeout
            )  # the second one waits for the first
