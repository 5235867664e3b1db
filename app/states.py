"""The life of a Delivery in words; a leaf that everything may import."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a Delivery is. docs/delivery.md draws the moves between them."""

    SCHEDULED = "scheduled"  # waits for its time, or for a later try of a definite "not now"
    CLAIMED = "claimed"  # one worker prepares it; no byte has been sent
    SENDING = "sending"  # the intent is stored; the network may have it from now on
    UNCONFIRMED = "unconfirmed"  # may have been accepted; being looked up
    HELD = "held"  # waits for its owner or for the network; keeps its place
    REVIEW = "review"  # no look-up could settle it; its owner decides
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"


class HoldReason(StrEnum):
    """Why a Delivery is held."""

    RECONNECT = "reconnect"  # the account's access ended
    NETWORK = "network"  # the network refuses the whole app
    LATE = "late"  # found due later than its owner tolerates
    PAUSED = "paused"  # operators have paused what it belongs to
    DELETION = "deletion"  # its owner has asked us to delete their account


FINAL = frozenset({State.PUBLISHED, State.FAILED, State.CANCELLED})
AWAKE = frozenset({State.SCHEDULED, State.CLAIMED, State.SENDING, State.UNCONFIRMED})
"""States that a worker must look at again: exactly these rows have a ``next_at``."""


def status_of(state: str) -> str:
    """Return the word of the outside for a state: ``pending``, ``done`` or ``failed``."""
    if state == State.PUBLISHED:
        return "done"
    return "failed" if state in FINAL else "pending"
