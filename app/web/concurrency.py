"""Places in a web process: a silent network holds up who waits for it, and nobody else.

Signing in and disconnecting ask a network while a person waits; the server has threads of their own
for that (app/server/policy.py), and of these no one network or server gets all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from app.concurrency import ConcurrencyLimiter
from app.server import BULKHEADS
from app.web import server_concurrency

ASKING = BULKHEADS["networks"]
OF_A_NETWORK = 24
"""Of these, for one network; the others' are still to be had while it is silent."""

_networks = ConcurrencyLimiter(ASKING, OF_A_NETWORK)


class TooManyAsking(Exception):
    """So many people wait for the network already that nobody else may."""


@contextmanager
def asking(network: str, server: str = "") -> Iterator[None]:
    """Ask a network while somebody waits for the page.

    :param server: which of the network's, as a person named it; few for one that is not known.
    :raises TooManyAsking: nothing was asked.
    """
    with ExitStack() as held:
        for places, party in (*server_concurrency.wanted(server), (_networks, network)):
            if not places.take(party):
                raise TooManyAsking
            held.callback(places.leave, party)
        with server_concurrency.watched(server):
            yield
