"""Places in a web process: a silent network holds up who waits for it, and nobody else.

Signing in and disconnecting ask a network while a person waits; the server has threads of their own
for that (app/server/policy.py), and of these no one network or server gets all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from app.places import Places
from app.server.policy import BULKHEADS

ASKING = BULKHEADS["networks"]
OF_A_NETWORK = 24
"""Of these, for one network; the others' are still to be had while it is silent."""
OF_A_SERVER = 12
"""Of these, for one server that people name."""

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
