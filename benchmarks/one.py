"""One tweet for now while nothing else happens: from its ``POST`` to its arrival at X."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from functools import partial
from urllib.parse import urlsplit

from benchmarks.contender import Contender
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.tables import Column, Figures, percentile
from benchmarks.visitor import Visitor, answer_on, sign_in

WARM_UP = 5
PAUSES = (0.3, 1.3)
"""Seconds between two tweets, at least and at most, so that no rhythm of a worker is met."""
SEED = 20_260_101
PATIENCE = 10.0

COLUMNS = [
    Column("p50 ms", 1),
    Column("p99 ms", 1),
    Column("answered p50 ms", 1),
    Column("doubled", worst=True),
    Column("lost", worst=True),
]
NOTE = (
    "One client, one account, one tweet after the other, with random pauses. From the moment its "
    "request is sent to the moment at which X has read the one that creates it; the 100 ms until X "
    "answers are not in it. *answered*: until the client has its own answer."
)


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table."""
    cases = [
        Case(
            f"{plan.ones:,} tweets, one at a time: {contender.name}",
            partial(within, contender, partial(_one, contender, plan.ones)),
        )
        for contender in contenders
    ]
    return f"{alternating(plan, COLUMNS, cases)}\n\n{NOTE}"


def _one(contender: Contender, times: int) -> list[Figures]:
    contender.start_worker()
    _, site = contender.start_web()
    visitor = sign_in(site)
    asyncio.run(_one_by_one(contender, visitor, WARM_UP))
    contender.machine.x.ask("/count", "DELETE")
    sent = asyncio.run(_one_by_one(contender, visitor, times))
    seen = contender.machine.x.ask("/count")
    took = [seen["arrived"][text][0] - at for text, at in sent.items() if text in seen["arrived"]]
    return [
        {
            "p50 ms": 1_000 * percentile(took, 0.5),
            "p99 ms": 1_000 * percentile(took, 0.99),
            "answered p50 ms": 1_000 * percentile(visitor.took, 0.5),
            "doubled": seen["doubled"],
            "lost": times - seen["accepted"],
        }
    ]


async def _one_by_one(contender: Contender, visitor: Visitor, times: int) -> dict[str, float]:
    """Send each tweet after the one before was accepted; return when each was sent."""
    url, dice = urlsplit(visitor.site), random.Random(SEED)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    sent: dict[str, float] = {}
    visitor.took.clear()
    for number in range(times):
        await asyncio.sleep(dice.uniform(*PAUSES))
        text = f"Tweet {number} of {times}"
        request = visitor.request("POST", "/tweets", {"text": text})
        sent[text] = time.time()
        writer.write(request)
        status = await answer_on(reader)
        visitor.took.append(time.time() - sent[text])
        if status != 202:
            raise RuntimeError(f"{visitor.site} answered {status}")
        await _until_accepted(contender, len(sent))
    writer.close()
    return sent


async def _until_accepted(contender: Contender, count: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        await asyncio.sleep(0.2)
        if contender.machine.x.ask("/progress")["accepted"] >= count:
            return
