"""What follows when a part of a tweet is out: the next part, or, after the last, the end.

docs/decisions/0009-threads.md says why each part passes the whole cycle by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func

from app.db import db, from_now
from app.models import Delivery
from app.states import State

STAYS = (State.CANCELLED, State.HELD)
"""A late answer for a part changes nothing about these but what is out."""
AFRESH: Mapping[str, Any] = {
    "rings": 0,
    "tries": 0,
    "refusals": 0,
    "lookups": 0,
    "resends": 0,
    "echoed": False,
    "first_sent_at": None,
    "unconfirmed_at": None,
}
"""The next part begins like a tweet that was never tried."""


def posted_as(remote_id: str | None, url: str | None, reference: Any) -> dict[str, Any]:
    """Return how a part that is out is kept."""
    kept = None if reference is None else dict(reference)
    return {"remote_id": remote_id, "remote_url": url, "reference": kept}


def is_next(part: int) -> ColumnElement[bool]:
    """Return the condition that exactly the parts before this one are out."""
    return func.json_array_length(Delivery.posted) == part


def changes(posted: Sequence[Mapping[str, Any]], parts: int, accepted_at: Any) -> dict[str, Any]:
    """Return what a row becomes when these of its parts are out.

    :param accepted_at: when the network took the newest of them.
    """
    if len(posted) < parts:
        return {"posted": list(posted), **_next_part()}
    return {
        "posted": list(posted),
        "state": State.PUBLISHED,
        "remote_id": posted[0]["remote_id"],
        "remote_url": posted[0]["remote_url"],
        "accepted_at": accepted_at,
        "finished_at": from_now(),
        "next_at": None,
        "hold_reason": None,
        "error_code": None,
        "error_detail": None,
    }


def _next_part() -> dict[str, Any]:
    again = {
        **AFRESH,
        "state": State.SCHEDULED,
        "not_before": from_now(),
        "next_at": from_now(),
        "finished_at": None,
        "error_code": None,
        "error_detail": None,
    }
    stays = Delivery.state.in_(STAYS)
    return {
        name: db.case((stays, getattr(Delivery, name)), else_=value)
        for name, value in again.items()
    }
