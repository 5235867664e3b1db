"""The look-ups of a worker process: a few of each network and server at a time.

So a network whose timeline hangs leaves the worker's threads to the others, and one server of it
leaves one of the network's to its other servers.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from app.services import claiming, reconciling
from app.services.claiming import Destination

OF_A_NETWORK = 4
OF_A_SERVER = 3
PATIENCE = 1.0
"""Seconds to wait for one of them; what finds no room comes due again."""

_network_slots: dict[str, threading.BoundedSemaphore] = defaultdict(
    lambda: threading.BoundedSemaphore(OF_A_NETWORK)
)
_server_slots: dict[Destination, threading.BoundedSemaphore] = defaultdict(
    lambda: threading.BoundedSemaphore(OF_A_SERVER)
)


def look_up(job_ids: Sequence[str]) -> None:
    """Find out what became of those of these deliveries that are unconfirmed."""
    for destination, its_ids in claiming.by_destination(job_ids).items():
        with _room_at(destination) as has_room:
            if has_room:
                reconciling.reconcile(its_ids)


@contextmanager
def _room_at(destination: Destination) -> Iterator[bool]:
    with ExitStack() as held:
        for slot in (_server_slots[destination], _network_slots[destination.network]):
            if not slot.acquire(timeout=PATIENCE):
                yield False
                return
            held.callback(slot.release)
        yield True
