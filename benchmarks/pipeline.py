"""From ``POST /tweets`` to the acceptance of X: web and worker at work together."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from functools import partial

from benchmarks.contender import Contender
from benchmarks.cpu import Meter
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.progress import counts, until_finished
from benchmarks.tables import Column, Figures
from benchmarks.visitor import Visitor, ask_many, sign_in

CLIENTS = 16
WARM_UP = 5

COLUMNS = [
    Column("tweets/s"),
    Column("CPU s per 1,000", 2),
    Column("web", 2),
    Column("worker", 2),
    Column("Redis", 2),
    Column("database", 2),
    Column("wake-ups per tweet", 2),
    Column("doubled", worst=True),
    Column("lost", worst=True),
]
NOTE = (
    f"{CLIENTS} clients with kept connections send tweets for now, each its next one as soon as it "
    "has its answer, while a worker publishes them. *tweets/s*: from the first request to the last "
    "acceptance. CPU until the last one is recorded. *wake-ups*: messages that were sent to "
    "workers."
)


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table."""
    cases = [
        Case(
            f"{plan.pipeline:,} tweets: {contender.name}",
            partial(within, contender, partial(_pipeline, contender, plan.pipeline)),
        )
        for contender in contenders
    ]
    return f"{alternating(plan, COLUMNS, cases)}\n\n{NOTE}"


def _pipeline(contender: Contender, count: int) -> list[Figures]:
    machine = contender.machine
    worker = contender.start_worker()
    web, site = contender.start_web()
    visitors = [sign_in(site) for _ in range(CLIENTS)]
    numbers = itertools.count()

    def tweet(visitor: Visitor) -> bytes:
        return visitor.request("POST", "/tweets", {"text": f"Tweet number {next(numbers)}"})

    ask_many(visitors, tweet, WARM_UP, 202)
    until_finished(contender, worker, CLIENTS * WARM_UP)
    machine.x.ask("/count", "DELETE")
    messages_before = machine.messages_sent()
    pids = {
        "web": web.pid,
        "worker": worker.pid,
        "Redis": machine.redis_pid,
        "database": machine.database_pid,
    }
    meters = {name: Meter([pid]) for name, pid in pids.items()}
    begin = time.time()
    ask_many(visitors, tweet, count // CLIENTS, 202)
    count -= count % CLIENTS
    until_finished(contender, worker, count, recorded_before=CLIENTS * WARM_UP)
    spent = {name: meter.seconds() * 1_000 / count for name, meter in meters.items()}
    wake_ups = (machine.messages_sent() - messages_before) / count
    return [
        counts(machine.x, count, begin)
        | spent
        | {"CPU s per 1,000": sum(spent.values()), "wake-ups per tweet": wake_ups}
    ]
