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
from app.web import server_places

PAGES = 4
"""Requests at work at a time that ask no network; more only contend for the database."""
ASKING = 36
OF_A_NETWORK = 24
"""Of these, for one network; the others' are still to be had while it is silent."""
THREADS = PAGES + ASKING

_networks = Places(ASKING, OF_A_NETWORK)


class TooManyAsking(Exception):
    """So many people wait for the network already that nobody else may."""


@contextmanager
def asking(network: str, server: str = "") -> Iterator[None]:
    """Ask a network while somebody waits for the page.

    :param server: which of the network's, as a person named it; few for one that is not known.
    :raises TooManyAsking: nothing was asked.
    """
    with ExitStack() as held:
        for places, party in (*server_places.wanted(server), (_networks, network)):
            if not places.take(party):
                raise TooManyAsking
            held.callback(places.leave, party)
        with server_places.watched(server):
            yield


class Turnstile:
    """Lets PAGES requests pass at a time, and beside them those that ask a network."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._pages = threading.BoundedSemaphore(PAGES)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request as WSGI wants it."""
        path: str = environ.get("PATH_INFO", "")
        if path.startswith("/login/") or path.endswith("/disconnect"):
            return self._app(environ, start_response)
        with self._pages:
            return self._app(environ, start_response)
