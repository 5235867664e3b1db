"""What became of many tweets: the figures that every fault must leave at zero."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from app.db import database_now, db
from app.models import Delivery
from app.states import AWAKE, State
from tests.support.world import World

FULL = os.environ.get("CHAOS") == "full"
"""``make chaos`` runs every scenario at its full size; ``make test`` a short version of each."""
ROUNDING = timedelta(milliseconds=2)
"""Two clocks of one machine, one of them kept in whole milliseconds."""

Size = TypeVar("Size", int, float)


def sized(short: Size, full: Size) -> Size:
    """Return the size that this run asks for."""
    return full if FULL else short


@dataclass(frozen=True)
class Figures:
    """Counts of tweets; lateness in seconds, of those that were accepted."""

    tweets: int
    lost: int
    """Not at the network, and the row does not say so."""
    doubled: int
    early: int
    unrecorded: int
    """At the network, but the row says failed, cancelled, or names another post."""
    asleep: int
    """Neither final, nor asking their owner, nor with a wake-up that is still to come."""
    asking: int
    """Held or in review: their owner was asked."""
    states: Counter[str]
    p50: float
    p99: float
    longest: float

    def __str__(self) -> str:
        return (
            f"{self.tweets} tweets: lost {self.lost}, doubled {self.doubled}, early {self.early}, "
            f"unrecorded {self.unrecorded}, asleep {self.asleep}, asking {self.asking}; "
            f"lateness p50 {self.p50:.2f} s, p99 {self.p99:.2f} s, max {self.longest:.2f} s"
        )

    def broken(self) -> list[str]:
        """Return the names of the figures that break the promise."""
        promises = ("lost", "doubled", "early", "unrecorded", "asleep")
        return [name for name in promises if getattr(self, name)]


def measure(world: World, jobs: dict[str, str], grace: float = 2, network: str = "x") -> Figures:
    """Compare the rows of these jobs with what the network accepted.

    :param jobs: job ids by the text of their tweet; each text belongs to one job.
    :param grace: seconds that a wake-up may be overdue while a worker is at it.
    """
    posts: dict[str, list[Any]] = {}
    for post in world.sandbox.on(network).accepted():
        posts.setdefault(post["text"], []).append(post)
    with world.rows():
        now = database_now()
        ids = list(jobs.values())
        found = db.session.scalars(db.select(Delivery).where(Delivery.id.in_(ids)))
        rows = {row.id: row for row in found}
        pairs = [(rows.get(job_id), posts.get(text, [])) for text, job_id in jobs.items()]
        return _figures(pairs, now - timedelta(seconds=grace))


def _figures(pairs: list[tuple[Delivery | None, list[Any]]], awake_since: datetime) -> Figures:
    lateness = sorted(_lateness(row, sent[0]) for row, sent in pairs if row and sent) or [0.0]
    return Figures(
        tweets=len(pairs),
        lost=sum(not sent and _says_sent(row) for row, sent in pairs),
        doubled=sum(len(sent) > 1 for _, sent in pairs),
        early=sum(bool(row) and any(_early(row, post) for post in sent) for row, sent in pairs),
        unrecorded=sum(bool(sent) and _denies(row, sent) for row, sent in pairs),
        asleep=sum(_asleep(row, awake_since) for row, _ in pairs),
        asking=sum(bool(row) and row.state in {State.HELD, State.REVIEW} for row, _ in pairs),
        states=Counter(row.state if row else "no row" for row, _ in pairs),
        p50=lateness[len(lateness) // 2],
        p99=lateness[int(len(lateness) * 0.99)],
        longest=lateness[-1],
    )


def _says_sent(row: Delivery | None) -> bool:
    return row is None or row.state == State.PUBLISHED


def _denies(row: Delivery | None, sent: list[Any]) -> bool:
    if row is None or row.state in {State.FAILED, State.CANCELLED}:
        return True
    return row.state == State.PUBLISHED and row.remote_id not in {post["id"] for post in sent}


def _asleep(row: Delivery | None, awake_since: datetime) -> bool:
    return row is not None and row.state in AWAKE and (row.next_at or awake_since) <= awake_since


def _accepted_at(post: Any) -> datetime:
    return datetime.fromisoformat(post["created_at"]).astimezone(UTC)


def _early(row: Delivery | None, post: Any) -> bool:
    return row is not None and _accepted_at(post) < row.due_at - ROUNDING


def _lateness(row: Delivery, post: Any) -> float:
    return (_accepted_at(post) - row.due_at).total_seconds()


def promise_kept(world: World, jobs: dict[str, str], scenario: str, network: str = "x") -> Figures:
    """Print the figures of a scenario and fail unless those of the promise are zero."""
    figures = measure(world, jobs, network=network)
    print(f"\n{scenario}: {figures}")
    assert not figures.broken(), f"{scenario}: {figures} {dict(figures.states)}"
    return figures
