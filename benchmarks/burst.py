"""Many tweets due in the same second."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from benchmarks.contender import Contender
from benchmarks.cpu import Meter
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.progress import counts, sleep_until, store_due_together, until_finished
from benchmarks.tables import Column, Figures

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
    due = store_due_together(contender, count, accounts)
    sleep_until(due - 1)
    spent_before = alone.seconds()
    everything = contender.machine.meter(worker)
    sleep_until(due)
    until_finished(contender, worker, count)
    spent = everything.seconds()
    per_thousand = 1_000 / count
    return [
        counts(contender.machine.x, count, due)
        | {"CPU s per 1,000": spent * per_thousand, "before due": spent_before * per_thousand}
    ]
