"""The apps that the X of the sandbox knows.

| kind | id | secret |
|---|---|---|
| OAuth 2.0, confidential | ``sandbox-client`` | ``sandbox-secret`` |
| OAuth 2.0, public | ``sandbox-public`` | none |
| OAuth 1.0a consumer | ``sandbox-consumer`` | ``sandbox-consumer-secret`` |

Registered callbacks of all three: ``/login/x/callback`` on any port of this machine.
"""

import hmac
import re
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin

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
