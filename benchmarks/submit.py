"""``POST /tweets`` at 16 clients: signed in, CSRF token, stored, its workers notified."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial

from benchmarks.contender import Contender
from benchmarks.cpu import Meter
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.tables import Column, Figures, percentile
from benchmarks.visitor import Visitor, ask_many, sign_in

CLIENTS = 16
WARM_UP = 5
PAUSE = 0.4
"""Seconds between two tweets of a client that takes its time: 40 requests a second in all."""

COLUMNS = [
    Column("requests/s"),
    Column("p50 ms", 1),
    Column("p99 ms", 1),
    Column("CPU s per 1,000, web", 2),
    Column("with Redis and database", 2),
]
NOTE = (
    f"{CLIENTS} clients with kept connections, tweets due at once, no worker running. *Flat out*: "
    "every client sends its next tweet as soon as it has its answer, so that the CPU is full and "
    f"the times are the queue's; *at ease*: every {PAUSE:g} s. gunicorn has the same settings for "
    "both apps."
)


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table."""
    cases = [
        Case(
            contender.name,
            partial(within, contender, partial(_submit, contender, plan.submits)),
            (", at ease", ", flat out"),
        )
        for contender in contenders
    ]
    return f"{alternating(plan, COLUMNS, cases)}\n\n{NOTE}"


def _submit(contender: Contender, count: int) -> list[Figures]:
    web, site = contender.start_web()
    visitors = [sign_in(site) for _ in range(CLIENTS)]
    numbers = itertools.count()

    def tweet(visitor: Visitor) -> bytes:
        return visitor.request("POST", "/tweets", {"text": f"Tweet number {next(numbers)}"})

    ask_many(visitors, tweet, WARM_UP, 202)
    found: list[Figures] = []
    for each, pause in ((count // CLIENTS // 4, PAUSE), (count // CLIENTS, 0.0)):
        alone, everything = Meter([web.pid]), contender.machine.meter(web)
        took = ask_many(visitors, tweet, each, 202, pause)
        spent, spent_in_all = alone.seconds(), everything.seconds()
        found.append(
            {
                "requests/s": CLIENTS / (pause or sum(took) / len(took)),
                "p50 ms": 1_000 * percentile(took, 0.5),
                "p99 ms": 1_000 * percentile(took, 0.99),
                "CPU s per 1,000, web": 1_000 * spent / len(took),
                "with Redis and database": 1_000 * spent_in_all / len(took),
            }
        )
    return found
