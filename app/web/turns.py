"""Turns in a web process: a silent network holds up who waits for it, and no page.

Signing in and disconnecting ask a network while a person waits. A process has threads for both,
THREADS in all; gunicorn.conf.py says so to the server.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from app.places import Places

PAGES = 4
"""Requests at work at a time that ask no network; more only contend for the database."""
ASKING = 36
OF_A_NETWORK = 24
"""Of these, for one network; the others' are still to be had while it is silent."""
OF_A_SERVER = 12
"""Of these, for one server that people name."""
THREADS = PAGES + ASKING

_networks = Places(ASKING, OF_A_NETWORK)
_servers = Places(ASKING, OF_A_SERVER)


class TooManyAsking(Exception):
    """So many people wait for the network already that nobody else may."""


@contextmanager
def asking(network: str, server: str = "") -> Iterator[None]:
    """Ask a network while somebody waits for the page.

    :param server: which of the network's, as a person named it.
    :raises TooManyAsking: nothing was asked.
    """
    name = server.rpartition("//")[2].rpartition("@")[2].strip("/ ").lower()
    with ExitStack() as held:
        for places, party in ((_servers, name), (_networks, network)):
            if party:
                if not places.take(party):
                    raise TooManyAsking
                held.callback(places.leave, party)
        yield


class Turnstile:
    """Lets PAGES requests pass at a time, and beside them those that ask a network."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._pages = threading.BoundedSemaphore(PAGES)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request as WSGI wants it."""
        path: str = environ.get("PATH_INFO", "")
        asks = path.startswith("/login/") or path.endswith("/disconnect")
        if asks or path == "/accounts/confirm":
            return self._app(environ, start_response)
        with self._pages:
            return self._app(environ, start_response)
