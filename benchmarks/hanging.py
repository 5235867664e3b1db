"""The same servers when some of them hang, and when they do not."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from benchmarks import mastodon
from benchmarks.contender import Contender
from benchmarks.mastodon_server import address_of
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.product import TweetLater
from benchmarks.progress import sleep_until, until_finished
from benchmarks.servers import CountingServer
from benchmarks.tables import Column, Figures, percentile

COLUMNS = [
    Column("others' p50 s", 2),
    Column("others' p99 s", 2),
    Column("p99 later by s", 2),
    Column("others' last s", 2),
    Column("most calls of one that hangs"),
    Column("errors logged", worst=True),
    Column("pool timeouts", worst=True),
    Column("others lost", worst=True),
    Column("doubled", worst=True),
]


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table; the plain app knows X alone."""
    product = next((c for c in contenders if isinstance(c, TweetLater)), None)
    if product is None or sys.platform != "linux":
        return mastodon.NOT_HERE
    crowd = mastodon.Crowd(plan.server_accounts, plan.servers, plan.hanging)
    name = f"{crowd.accounts:,} accounts on {crowd.servers:,} servers"
    case = Case(
        name,
        partial(_both, product, crowd),
        (", all answer", f", {crowd.special:,} of them hang"),
    )
    return f"{alternating(plan, COLUMNS, [case])}\n\n{_note(crowd)}"


def _note(crowd: mastodon.Crowd) -> str:
    return (
        f"One tweet of each account, due in the same second; a tenth of the accounts is on "
        f"{crowd.special:,} of the servers. These answer after 100 ms as all others do, or they "
        "take the request and hang for 30 s. The *others* are the tweets of all other servers."
    )


def _both(product: TweetLater, crowd: mastodon.Crowd) -> list[Figures]:
    """Return the figures without those that hang and with them."""
    quiet, loud = (
        dict(within(product, partial(_run, product, crowd, hang))[0]) for hang in (False, True)
    )
    loud["p99 later by s"] = loud["others' p99 s"] - quiet["others' p99 s"]
    del quiet["most calls of one that hangs"]
    return [quiet, loud]


def _run(product: TweetLater, crowd: mastodon.Crowd, hang: bool) -> list[Figures]:
    with mastodon.played(product) as servers:
        return [_burst(product, servers, crowd, hang)]


def _burst(
    product: TweetLater, servers: CountingServer, crowd: mastodon.Crowd, hang: bool
) -> Figures:
    if hang:
        hosts = [address_of(number) for number in range(crowd.special)]
        servers.ask("/hanging", "PUT", hosts)
    log = mastodon.WorkerLog(product)
    worker = product.start_worker()
    due = mastodon.store(product, crowd, servers.port)
    sleep_until(due)
    others = crowd.texts(of_special=False)
    count = len(others) if hang else crowd.accounts
    until_finished(product, worker, count, servers, patience=mastodon.PATIENCE)
    return _of_others(servers, others, due) | log.figures()


def _of_others(servers: CountingServer, others: set[str], due: float) -> dict[str, float]:
    seen = servers.ask("/count")
    at = {text: moments[0] for text, moments in seen["at"].items() if text in others}
    lateness = [moment - due for moment in at.values()]
    return {
        "others' p50 s": percentile(lateness, 0.5),
        "others' p99 s": percentile(lateness, 0.99),
        "others' last s": max(lateness, default=0.0),
        "most calls of one that hangs": seen["most_held"],
        "others lost": len(others) - len(at),
        "doubled": seen["doubled"],
    }
