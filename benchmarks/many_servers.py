"""Tweets that are due in one second on very many servers."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from functools import partial

from benchmarks import mastodon
from benchmarks.contender import Contender
from benchmarks.cpu import Peak, pss_mib, threads
from benchmarks.plan import Case, Plan, alternating, say, within
from benchmarks.product import TweetLater
from benchmarks.progress import counts, sleep_until, until_finished
from benchmarks.servers import CountingServer
from benchmarks.tables import Column, Figures

COLUMNS = [
    Column("tweets/s"),
    Column("until all are out s", 2),
    Column("p99 s", 2),
    Column("most threads"),
    Column("most MiB", 1),
    Column("threads later"),
    Column("MiB later", 1),
    Column("CPU s per 1,000", 2),
    Column("errors logged", worst=True),
    Column("pool timeouts", worst=True),
    Column("early", worst=True),
    Column("doubled", worst=True),
    Column("lost", worst=True),
]


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table; the plain app knows X alone."""
    product = next((c for c in contenders if isinstance(c, TweetLater)), None)
    if product is None or sys.platform != "linux":
        return mastodon.NOT_HERE
    crowd = mastodon.Crowd(plan.server_accounts, plan.servers)
    case = Case(
        f"{crowd.accounts:,} accounts on {crowd.servers:,} servers: {product.name}",
        partial(within, product, partial(_run, product, crowd, plan.rest)),
    )
    return f"{alternating(plan, COLUMNS, [case])}\n\n{_note(plan)}"


def _note(plan: Plan) -> str:
    return (
        "One tweet of each account; each server is a Mastodon with an address of its own and "
        "answers after 100 ms. Threads and memory (PSS) of all processes of the worker together, "
        f"the most there were from one second before the tweets are due until the last one is "
        f"recorded, and {plan.rest:g} s *later*. CPU: worker, Redis and database in the same time."
    )


def _run(product: TweetLater, crowd: mastodon.Crowd, rest: float) -> list[Figures]:
    with mastodon.played(product) as servers:
        return [_burst(product, servers, crowd, rest)]


def _burst(
    product: TweetLater, servers: CountingServer, crowd: mastodon.Crowd, rest: float
) -> Figures:
    log = mastodon.WorkerLog(product)
    worker = product.start_worker()
    due = mastodon.store(product, crowd, servers.port)
    sleep_until(due - 1)
    everything = product.machine.meter(worker)
    with Peak(worker.pid) as peak:
        sleep_until(due)
        until_finished(product, worker, crowd.accounts, servers, patience=mastodon.PATIENCE)
    spent = everything.seconds()
    say(f"    looking again in {rest:g} s")
    time.sleep(rest)
    figures = {
        "most threads": peak.threads,
        "most MiB": peak.mib,
        "threads later": threads(worker.pid),
        "MiB later": pss_mib(worker.pid),
        "CPU s per 1,000": spent * 1_000 / crowd.accounts,
    }
    return counts(servers, crowd.accounts, due) | log.figures() | figures
