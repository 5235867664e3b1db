"""From the name that a person types to the server that all calls of a sign-in go to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from urllib.parse import urlsplit

from app.networks.base import SIGN_IN_SECONDS
from app.networks.errors import ConnectRefused, LookUpFailed
from app.networks.http import public_https_url
from app.networks.mastodon.apps import Apps
from app.networks.mastodon.auth import REVOKE_SECONDS
from app.networks.mastodon.client import Server
from app.networks.mastodon.delegation import homes_of

UNPROVEN_CALL_SECONDS = 8.0
"""For a call to a server from which nobody ever came back with an account."""
UNPROVEN_CONNECT_SECONDS = 3.0
"""Of these, until it has to be reached."""
MAX_HOMES = 3
"""Names that a domain may give us; the first that leads to a public server counts."""


@dataclass(frozen=True)
class Servers:
    """Makes servers of addresses."""

    usual_url: str
    """The server that people are offered first; the operator chose it."""
    apps: Apps
    timeout: float
    """Seconds for each call."""
    allow_private: bool

    def at(self, url: str) -> Server:
        """Return the server at an address."""
        return Server(url, self.timeout, public_only=not self.allow_private)

    def checked(self, typed: str) -> str:
        """Return the address of a server that was typed. Raises ConnectRefused."""
        try:
            url = public_https_url(typed, self.allow_private)
        except ValueError as error:
            raise ConnectRefused("bad_server", str(error)) from error
        if not url.isascii() or not url.isprintable():
            raise ConnectRefused("bad_server", "this is not the name of a server")
        return url

    def visited(self, url: str) -> Server:
        """Return a server for all calls of one step, while somebody waits for the page.

        One from which nobody ever came back with an account gets less time.
        """
        server = self.at(url)
        usual_host = urlsplit(self.usual_url).netloc.lower()
        if server.host != usual_host and not self.apps.known(url).has_answered:
            timeout = min(server.timeout, UNPROVEN_CALL_SECONDS)
            server = replace(server, timeout=timeout, connect_timeout=UNPROVEN_CONNECT_SECONDS)
        return server.within(SIGN_IN_SECONDS - REVOKE_SECONDS)

    def home_of(self, server: Server, typed: str) -> Server | None:
        """Return the server where a domain's accounts live, in the time that is left; one hop."""
        for origin in islice(homes_of(server, typed), MAX_HOMES):
            with contextlib.suppress(ConnectRefused):
                home = replace(self.visited(self.checked(origin)), ends_at=server.ends_at)
                if home.host != server.host:
                    return home
        return None


@contextlib.contextmanager
def private_is_refused() -> Iterator[None]:
    """Raise ConnectRefused for a name that leads into a private network, not LookUpFailed."""
    try:
        yield
    except LookUpFailed as error:
        if str(error) == "private_address":
            raise ConnectRefused("bad_server", "private_address") from None
        raise
