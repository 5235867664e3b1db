"""The look-ups of a worker process: a few of each network at a time.

So a network whose timeline hangs leaves the worker's threads to the others.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence

from app.services import claiming, reconciling

AT_A_TIME = 4
PATIENCE = 1.0
"""Seconds to wait for one of them; what finds no room comes due again."""

_slots: dict[str, threading.BoundedSemaphore] = defaultdict(
    lambda: threading.BoundedSemaphore(AT_A_TIME)
)


def look_up(job_ids: Sequence[str]) -> None:
    """Find out what became of those of these deliveries that are unconfirmed."""
    for network, its_ids in claiming.by_network(job_ids).items():
        slot = _slots[network]
        if slot.acquire(timeout=PATIENCE):
            try:
                reconciling.reconcile(its_ids)
            finally:
                slot.release()
