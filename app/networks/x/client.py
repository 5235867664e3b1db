"""How X's API is called: signed for an account with OAuth 2.0 or with OAuth 1.0a."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from requests.auth import AuthBase
from requests_oauthlib import OAuth1

from app.networks.base import Credentials
from app.networks.http import ApiClient, Headers
from app.networks.oauth import token_of


@dataclass(frozen=True)
class XApi(ApiClient):
    """X's API, or a server that speaks it, called by one app.

    OAuth 2.0 where the app has a client id; OAuth 1.0a with its consumer key otherwise.
    """

    _: KW_ONLY
    client_id: str | None = None
    client_secret: str | None = None
    """None for a public client."""
    consumer_key: str | None = None
    consumer_secret: str | None = None

    def request_of(
        self, path: str, *, credentials: Credentials | None = None, **content: Any
    ) -> tuple[str, dict[str, Any]]:
        """Name a path, for an account where its credentials are given."""
        if credentials is not None:
            content["auth"] = self._signature(credentials)
        return super().request_of(path, **content)

    def _signature(self, credentials: Credentials) -> AuthBase:
        if is_oauth1(credentials):
            owner = credentials["token"], credentials["token_secret"]
            signature: AuthBase = OAuth1(self.consumer_key, self.consumer_secret, *owner)
            return signature
        return Headers(bearer=token_of(credentials))


def is_oauth1(credentials: Mapping[str, Any]) -> bool:
    """True for credentials of OAuth 1.0a, whose tokens do not expire."""
    return "token_secret" in credentials
