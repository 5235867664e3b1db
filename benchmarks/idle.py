"""What everything costs while nobody does anything, and tweets wait or none do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.contender import Contender
from benchmarks.cpu import Meter, pss_mib, until_quiet
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.product import TweetLater
from benchmarks.tables import Column, Figures

ACCOUNTS = 50
PARTS = ("web", "worker", "Redis", "database")
COLUMNS = [
    *(Column(f"{part} CPU s", 2) for part in PARTS),
    Column("in all", 2),
    *(Column(f"{part} MiB", 1) for part in PARTS),
    Column("MiB in all", 1),
]


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table."""
    cases = [_case(plan, contender) for contender in contenders]
    return f"{alternating(plan, COLUMNS, cases)}\n\n{_note(plan)}"


def _case(plan: Plan, contender: Contender) -> Case:
    # The plain app would take an hour to send a million messages, and hold them all in memory.
    waiting = plan.rows if isinstance(contender, TweetLater) else min(plan.rows, plan.others)
    run = partial(_idle, contender, waiting, plan)
    suffixes = (", none wait", f", {waiting:,} wait for tomorrow")
    return Case(contender.name, partial(within, contender, run), suffixes)


def _note(plan: Plan) -> str:
    return (
        f"CPU seconds a minute, measured for {plan.idle:g} s, {plan.quiet:g} s after the last "
        "request, without a tweet that is due, and memory at the end of them (PSS: pages that "
        "processes share are divided among them). Two web processes and two of the worker."
    )


def _idle(contender: Contender, waiting: int, plan: Plan) -> list[Figures]:
    machine = contender.machine
    worker = contender.start_worker()
    web, _ = contender.start_web()
    pids = dict(
        zip(PARTS, (web.pid, worker.pid, machine.redis_pid, machine.database_pid), strict=True)
    )
    time.sleep(plan.quiet)
    found = [_figures(pids, plan.idle)]
    contender.store(waiting, ACCOUNTS, datetime.now(UTC) + timedelta(days=1))
    machine.checkpoint()
    return [*found, _figures(pids, plan.idle)]


def _figures(pids: dict[str, int], seconds: float) -> Figures:
    until_quiet(*pids.values())
    meters = {part: Meter([pid]) for part, pid in pids.items()}
    time.sleep(seconds)
    spent = {part: meter.seconds() * 60 / seconds for part, meter in meters.items()}
    held = {part: pss_mib(pid) for part, pid in pids.items()}
    return {
        **{f"{part} CPU s": cpu for part, cpu in spent.items()},
        "in all": sum(spent.values()),
        **{f"{part} MiB": mib for part, mib in held.items()},
        "MiB in all": sum(held.values()),
    }
