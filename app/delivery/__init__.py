"""A Delivery on its way: dispatched, claimed, published, recorded, reconciled."""

from __future__ import annotations

from app.delivery import dispatcher, pauses, publisher, reconciler, restore, retention
from app.delivery.claims import destinations_of, expire_leases, undo_clock_step
from app.delivery.executor import Executors
from app.delivery.publisher import Publisher

__all__ = [
    "Executors",
    "Publisher",
    "destinations_of",
    "dispatcher",
    "expire_leases",
    "pauses",
    "publisher",
    "reconciler",
    "restore",
    "retention",
    "undo_clock_step",
]
