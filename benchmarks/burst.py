"""Many tweets due in the same second."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from benchmarks.contender import Contender
from benchmarks.cpu import Meter
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.tables import Column, Figures, percentile

COLUMNS = [
    Column("tweets/s"),
    Column("lateness p50 s", 2),
    Column("p99 s", 2),
    Column("CPU s per 1,000", 2),
    Column("before due", 2),
    Column("early", worst=True),
    Column("doubled", worst=True),
    Column("lost", worst=True),
]
NOTE = (
    "One worker each, with a process for each of two cores, until X accepted the last one. CPU: "
    "worker, Redis and database, from one second before the tweets are due until the last one is "
    "recorded; *before due* is what the worker alone spent until then. The plain app got each "
    "tweet as a message with an ETA, its own best way, and had taken all of them into its memory "
    "before they were due. *Early*: the request reached X before its time."
)
PATIENCE = 20.0
"""Seconds without any progress after which what is missing counts as lost."""


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table of all sizes and numbers of accounts."""
    cases = [
        Case(
            f"{count:,} tweets, {accounts} account{'s' if accounts > 1 else ''}: {contender.name}",
            partial(within, contender, partial(_burst, contender, count, accounts)),
        )
        for count in plan.bursts
        for accounts in plan.accounts
        for contender in contenders
    ]
    return f"{alternating(plan, COLUMNS, cases)}\n\n{NOTE}"


def _burst(contender: Contender, count: int, accounts: int) -> list[Figures]:
    worker = contender.start_worker()
    alone = Meter([worker.pid])
    due = _store(contender, count, accounts)
    _sleep_until(due - 1)
    spent_before = alone.seconds()
    everything = contender.machine.meter(worker)
    _sleep_until(due)
    _until_finished(contender, worker, count)
    spent = everything.seconds()
    per_thousand = 1_000 / count
    return [
        _from_x(contender, count, due)
        | {"CPU s per 1,000": spent * per_thousand, "before due": spent_before * per_thousand}
    ]


def _store(contender: Contender, count: int, accounts: int) -> float:
    """Store the tweets; return the epoch seconds at which all are due."""
    due = float(round(time.time() + contender.seconds_to_store(count) + accounts / 10))
    contender.store(count, accounts, datetime.fromtimestamp(due, UTC))
    if time.time() > due - 2:
        raise RuntimeError(f"this machine is too busy: storing {count:,} tweets took too long")
    return due


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def _until_finished(contender: Contender, worker: subprocess.Popen[bytes], count: int) -> None:
    """Wait until all is accepted and recorded, or nothing has moved for PATIENCE seconds."""
    done, since = (-1, -1), time.monotonic()
    while worker.poll() is None and time.monotonic() - since < PATIENCE:
        accepted = int(contender.machine.x.ask("/progress")["accepted"])
        recorded = contender.recorded() if accepted >= count else 0
        if recorded >= count:
            return
        if (accepted, recorded) != done:
            done, since = (accepted, recorded), time.monotonic()
        time.sleep(0.25)


def _from_x(contender: Contender, count: int, due: float) -> dict[str, float]:
    seen = contender.machine.x.ask("/count")
    lateness = [moments[0] - due for moments in seen["at"].values()]
    return {
        "tweets/s": len(lateness) / max(lateness) if lateness else 0.0,
        "lateness p50 s": percentile(lateness, 0.5),
        "p99 s": percentile(lateness, 0.99),
        "early": sum(moments[0] < due for moments in seen["arrived"].values()),
        "doubled": seen["doubled"],
        "lost": count - seen["accepted"],
    }
