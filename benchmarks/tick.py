"""One look of a worker at a schedule with very many rows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import event

from app import background, monitoring, pictures
from app.accounts import holds, probes
from app.db import db
from app.delivery import dispatcher, expire_leases, pauses, undo_clock_step
from app.models import pause
from benchmarks.contender import Contender
from benchmarks.plan import Plan, say
from benchmarks.product import TweetLater
from benchmarks.tables import percentile, table

ACCOUNTS = 50
SCAN = "Seq Scan on deliveries"
INDEX = re.compile(r"(?:using|Index Scan on) (\w*deliveries\w*)")
HEADS = ["", "p50 ms", "p99 ms", "statements", "that scan the table", "indexes of deliveries used"]
NOTE = (
    "One tick: settle lost workers' rows, decide about what is due, find the next moment. A slow "
    "beat, which each worker process adds to a tick every five seconds: heartbeat, leases of what "
    "runs, pauses, clocks that went back, networks to be tried again, pictures, forgotten holds. "
    "The plans are PostgreSQL's own (EXPLAIN) for the very statements of a tick."
)


def measure(plan: Plan, contenders: Sequence[Contender]) -> str:
    """Return the table; only Tweet Later has a tick."""
    product = next((c for c in contenders if isinstance(c, TweetLater)), None)
    if product is None:
        return "Only Tweet Later has a tick."
    product.begin()
    try:
        say(f"  storing {plan.rows:,} rows")
        product.store(plan.rows, ACCOUNTS, datetime.now(UTC) + timedelta(days=1))
        with product.app_context():
            cases = {
                f"{plan.rows:,} rows, 0 due": (db.session.commit, _work_once),
                f"{plan.rows:,} rows, 1 due": (_make_one_due, _work_once),
                f"{plan.rows:,} rows, slow beat": (db.session.commit, _slow_beat),
            }
            # First: an engine that was once listened to leaves all statements to SQLAlchemy.
            times = [_times(plan.ticks, *case) for case in cases.values()]
            plans = [_plans(*case) for case in cases.values()]
        cells = zip(cases, times, plans, strict=True)
        lines = [[name, *took, *asked] for name, took, asked in cells]
        return f"{table(HEADS, lines)}\n\n{NOTE}"
    finally:
        product.end()


def _work_once() -> None:
    if dispatcher.seconds_until_next() == 0:
        expire_leases()
        dispatcher.dispatch()
        dispatcher.seconds_until_next()


def _slow_beat() -> None:
    """Do what ``Scheduler`` does every five seconds while somebody is there."""
    monitoring.beat("benchmark")
    background.renew("benchmark")
    pause.paused_queues()
    undo_clock_step()
    probes.due_probes()
    pictures.sweep()
    pauses.settle()
    holds.release_forgotten()


def _make_one_due() -> None:
    """Move one tweet of tomorrow to the present."""
    db.session.execute(
        db.text(
            """UPDATE deliveries SET due_at = now.ms, not_before = now.ms, next_at = now.ms
            FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms) AS now
            WHERE id = (
                SELECT id FROM deliveries WHERE next_at IS NOT NULL ORDER BY next_at DESC LIMIT 1
            )"""
        )
    )
    db.session.commit()


def _times(ticks: int, prepare: Callable[[], None], work: Callable[[], None]) -> list[str]:
    took = []
    for _ in range(ticks):
        prepare()
        begin = time.perf_counter()
        work()
        took.append(1_000 * (time.perf_counter() - begin))
    return [f"{median(took):.1f}", f"{percentile(took, 0.99):.1f}"]


def _plans(prepare: Callable[[], None], work: Callable[[], None]) -> list[str]:
    prepare()
    with _statements() as statements:
        work()
    plans = [(statement, _explain(statement, values)) for statement, values in statements]
    scans = [statement for statement, plan in plans if SCAN in plan]
    for statement in scans:
        say(f"    scans the table: {statement}")
    indexes = sorted({name for _, plan in plans for name in INDEX.findall(plan)})
    return [str(len(statements)), str(len(scans)), ", ".join(indexes)]


@contextmanager
def _statements() -> Iterator[list[tuple[str, Any]]]:
    """Collect what is sent to the database."""
    found: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _x: Any, many: bool) -> None:
        found.append((statement, values[0] if many else values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def _explain(statement: str, values: Any) -> str:
    """Return how PostgreSQL goes about a statement, without running it."""
    with db.engine.connect() as connection:
        return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())
