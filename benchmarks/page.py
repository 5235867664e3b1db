"""The page with twenty cards: what it costs and how large it is."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import requests

from benchmarks.contender import Contender
from benchmarks.cpu import Meter
from benchmarks.plan import Case, Plan, alternating, within
from benchmarks.product import TweetLater
from benchmarks.tables import Column, Figures, percentile
from benchmarks.visitor import Visitor, ask_many, sign_in

CARDS = 20
WARM_UP = 20
HTML = "text/html\r\nAccept-Encoding: gzip"

COLUMNS = [
    Column("p50 ms", 2),
    Column("p99 ms", 2),
    Column("CPU ms, web", 2),
    Column("with Redis and database", 2),
    Column("bytes of the page"),
    Column("bytes sent"),
    Column("bytes as gzip"),
]
NOTE = (
    f"One client with a kept connection asks for a page with {CARDS} cards of tomorrow, again and "
    "again, and takes gzip. *Bytes sent* are those of the body as it travels, *as gzip* "
    "what gzip makes of the page here, whether the server does it or not."
)


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table; the plain app has no cards."""
    product = next((c for c in contenders if isinstance(c, TweetLater)), None)
    if product is None:
        return "Only Tweet Later has a page with cards."
    case = Case(
        f"GET /, {CARDS} cards: {product.name}",
        partial(within, product, partial(_page, product, plan.pages)),
    )
    return f"{alternating(plan, COLUMNS, [case])}\n\n{NOTE}"


def _page(product: TweetLater, times: int) -> list[Figures]:
    web, site = product.start_web()
    visitor = sign_in(site)
    when = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d %H:%M}"

    numbers = itertools.count()

    def tweet(who: Visitor) -> bytes:
        text = f"Good morning, number {next(numbers)}"
        return who.request("POST", "/tweets", {"text": text, "when": when})

    def page(who: Visitor) -> bytes:
        return who.request("GET", "/", accept=HTML)

    ask_many([visitor], tweet, CARDS, 202)
    ask_many([visitor], page, WARM_UP, 200)
    alone, everything = Meter([web.pid]), product.machine.meter(web)
    took = ask_many([visitor], page, times, 200)
    spent, spent_in_all = alone.seconds(), everything.seconds()
    return [
        {
            "p50 ms": 1_000 * percentile(took, 0.5),
            "p99 ms": 1_000 * percentile(took, 0.99),
            "CPU ms, web": 1_000 * spent / len(took),
            "with Redis and database": 1_000 * spent_in_all / len(took),
            **_sizes(visitor),
        }
    ]


def _sizes(visitor: Visitor) -> Figures:
    headers = {"Cookie": visitor.cookies, "Accept": "text/html", "Accept-Encoding": "gzip"}
    with requests.get(f"{visitor.site}/", headers=headers, stream=True, timeout=30) as answer:
        sent = answer.raw.read(decode_content=False)
        is_packed = answer.headers.get("Content-Encoding") == "gzip"
    page = gzip.decompress(sent) if is_packed else sent
    if page.count(b"Good morning") < CARDS:
        raise RuntimeError("the page has not all cards")
    return {
        "bytes of the page": len(page),
        "bytes sent": len(sent),
        "bytes as gzip": len(gzip.compress(page, 6)),
    }
