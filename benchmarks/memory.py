"""What a worker and Redis hold in memory while tweets wait for tomorrow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from benchmarks.contender import Contender
from benchmarks.cpu import resident_mb, until_quiet
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.tables import Column, Figures

ACCOUNTS = 50

COLUMNS = [Column("worker MB", 1), Column("Redis MB", 1), Column("Redis data MB", 1)]
NOTE = "Resident memory as the system counts it, and the memory of the data as Redis counts it."


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table."""
    cases = [
        Case(
            contender.name,
            partial(within, contender, partial(_memory, contender, plan.others)),
            (", none", f", {plan.others:,} due tomorrow"),
        )
        for contender in contenders
    ]
    return f"{alternating(plan, COLUMNS, cases)}\n\n{NOTE}"


def _memory(contender: Contender, count: int) -> list[Figures]:
    worker = contender.start_worker()
    until_quiet(worker.pid)
    before = _figures(contender, worker.pid)
    contender.store(count, ACCOUNTS, datetime.now(UTC) + timedelta(days=1))
    until_quiet(worker.pid)
    return [before, _figures(contender, worker.pid)]


def _figures(contender: Contender, pid: int) -> Figures:
    info: Any = contender.machine.valkey.command("INFO", "memory")
    return {
        "worker MB": resident_mb(pid),
        "Redis MB": resident_mb(contender.machine.redis_pid),
        "Redis data MB": int(info["used_memory"]) / 1e6,
    }
