"""``GET /status/<job_id>`` with nothing else scheduled, and with many others."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import requests

from benchmarks.contender import Contender
from benchmarks.cpu import Meter
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.tables import Column, Figures, percentile
from benchmarks.visitor import Visitor, ask_many, sign_in

WARM_UP = 50
ACCOUNTS = 50
CLIENTS = 16

COLUMNS = [
    Column("p50 ms", 2),
    Column("p99 ms", 2),
    Column("CPU ms, web", 2),
    Column("with Redis and database", 2),
    Column(f"{CLIENTS} clients: requests/s"),
    Column("their CPU ms, web", 2),
]
NOTE = (
    "One client with a kept connection, one request after the other, about a tweet of tomorrow; "
    f"then {CLIENTS} clients, each about its own tweet, and again as soon as it has its answer."
)


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table."""
    cases = [
        Case(
            contender.name,
            partial(within, contender, partial(_status, contender, plan)),
            (", 0 others", f", {plan.others:,} others"),
        )
        for contender in contenders
    ]
    return f"{alternating(plan, COLUMNS, cases)}\n\n{NOTE}"


def _status(contender: Contender, plan: Plan) -> list[Figures]:
    web, site = contender.start_web()
    visitor = sign_in(site)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    path = _tweet_of(visitor, tomorrow)
    crowd = [sign_in(site) for _ in range(CLIENTS)]
    paths = {id(one): _tweet_of(one, tomorrow) for one in crowd}
    found: list[Figures] = []
    for others in (0, plan.others):
        if others:
            contender.store(others, ACCOUNTS, tomorrow)
        ask_many([visitor], lambda who: who.request("GET", path), WARM_UP, 200)
        alone, everything = Meter([web.pid]), contender.machine.meter(web)
        took = ask_many([visitor], lambda who: who.request("GET", path), plan.polls, 200)
        spent, spent_in_all = alone.seconds(), everything.seconds()
        found.append(
            {
                "p50 ms": 1_000 * percentile(took, 0.5),
                "p99 ms": 1_000 * percentile(took, 0.99),
                "CPU ms, web": 1_000 * spent / len(took),
                "with Redis and database": 1_000 * spent_in_all / len(took),
                **_together(web.pid, crowd, paths, plan.polls),
            }
        )
    return found


def _together(web_pid: int, crowd: Sequence[Visitor], paths: dict[int, str], polls: int) -> Figures:
    """Let all ask at the same time."""

    def ask(who: Visitor) -> bytes:
        return who.request("GET", paths[id(who)])

    ask_many(crowd, ask, WARM_UP // CLIENTS + 1, 200)
    meter, begin = Meter([web_pid]), time.perf_counter()
    took = ask_many(crowd, ask, polls // CLIENTS, 200)
    seconds, spent = time.perf_counter() - begin, meter.seconds()
    return {
        f"{CLIENTS} clients: requests/s": len(took) / seconds,
        "their CPU ms, web": 1_000 * spent / len(took),
    }


def _tweet_of(visitor: Visitor, moment: datetime) -> str:
    """Write a tweet for that minute; return the path at which its state is told."""
    answer = requests.post(
        f"{visitor.site}/tweets",
        json={"text": "Good morning", "when": f"{moment:%Y-%m-%d %H:%M}"},
        headers={
            "Cookie": visitor.cookies,
            "X-CSRFToken": visitor.csrf_token,
            "Accept": "application/json",
        },
        timeout=30,
    )
    answer.raise_for_status()
    path: str = answer.json()["status_url"]
    return path
