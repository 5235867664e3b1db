"""Tweets that are due together: stored in time, waited for, and counted by who accepted them."""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime

from benchmarks.contender import Contender
from benchmarks.servers import CountingServer
from benchmarks.tables import percentile

PATIENCE = 20.0
"""Seconds without any progress after which what is missing counts as lost."""


def store_due_together(contender: Contender, count: int, accounts: int) -> float:
    """Store the tweets; return the epoch seconds at which all are due."""
    due = float(round(time.time() + contender.seconds_to_store(count) + accounts / 10))
    contender.store(count, accounts, datetime.fromtimestamp(due, UTC))
    refuse_if_late(due, count)
    return due


def refuse_if_late(due: float, count: int) -> None:
    """Raise RuntimeError when what was stored is due too soon to be measured."""
    if time.time() > due - 2:
        raise RuntimeError(f"this machine is too busy: storing {count:,} tweets took too long")


def sleep_until(moment: float) -> None:
    """Sleep until these epoch seconds."""
    time.sleep(max(0.0, moment - time.time()))


def until_finished(
    contender: Contender,
    worker: subprocess.Popen[bytes],
    count: int,
    server: CountingServer | None = None,
    recorded_before: int = 0,
    patience: float = PATIENCE,
) -> None:
    """Wait until all is accepted and recorded, or nothing has moved for so many seconds.

    :param server: who accepts the tweets, X if nobody is named.
    """
    server = server or contender.machine.x
    done, since = (-1, -1), time.monotonic()
    while worker.poll() is None and time.monotonic() - since < patience:
        accepted = int(server.ask("/progress")["accepted"])
        recorded = contender.recorded() - recorded_before if accepted >= count else 0
        if recorded >= count:
            return
        if (accepted, recorded) != done:
            done, since = (accepted, recorded), time.monotonic()
        time.sleep(0.25)


def counts(server: CountingServer, count: int, due: float) -> dict[str, float]:
    """Return what became of tweets that were due together."""
    seen = server.ask("/count")
    lateness = [moments[0] - due for moments in seen["at"].values()]
    return {
        "tweets/s": len(lateness) / max(lateness) if lateness else 0.0,
        "lateness p50 s": percentile(lateness, 0.5),
        "p99 s": percentile(lateness, 0.99),
        "until all are out s": max(lateness, default=0.0),
        "early": sum(moments[0] < due for moments in seen["arrived"].values()),
        "doubled": seen["doubled"],
        "lost": count - seen["accepted"],
    }
