"""What is asked of the database every few seconds reads what needs work, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from app import monitoring
from app.autoscale.demand import demand
from app.db import db
from app.delivery import dispatcher
from app.shutdown import stopping
from app.workers.scheduler import Scheduler
from tests.conftest import MakeWorld
from tests.support.filled import LARGE, fill
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow

PEOPLE, TWEETS = 2_000, 20_000
SCAN = re.compile(rf"Seq Scan on ({'|'.join(LARGE)})\b")
REMOVED = re.compile(r"Rows Removed by .*: (\d+)")
MAX_WASTED = 500
KINDS = ("SELECT", "UPDATE", "DELETE", "WITH")
CHORES = (
    "UPDATE workers",  # the heartbeat
    "FROM network_stops",  # probes, and what was forgotten to release
    "row_number() OVER (PARTITION BY accounts.network",  # ended access, limits, avatars
    "FROM pending_connections",
    "row_number() OVER (PARTITION BY pictures.user_id",  # pictures to make
    "FROM pictures",
    "deliveries.finished_at <",  # old tweets
    "UPDATE tweet_counts",
    "UPDATE interest_states",
    "DELETE FROM user_sessions",
    "DELETE FROM audit_events",
    "min(deliveries.next_at)",
)
"""Words of what a scheduler asks in any case."""
WORK = """
UPDATE accounts SET health = 'ok', last_error_at = {now} WHERE id = {people};
UPDATE accounts SET avatar_at = NULL, limits_at = NULL WHERE id IN (1, 2, 3);
UPDATE accounts SET health = 'ok' WHERE id = {people} - 1;
UPDATE tweet_counts SET recount_at = {now} WHERE user_id IN (1, 2, 3);
UPDATE interest_states SET stale_at = {now} WHERE user_id IN (1, 2, 3);
UPDATE pictures SET next_at = {now} WHERE id IN
    (SELECT id FROM pictures WHERE state = 'ready' ORDER BY user_id LIMIT 3);
UPDATE deliveries SET finished_at = 1 WHERE tweet_id = 10;
UPDATE deliveries SET due_at = {now}, not_before = {now}, next_at = {now} WHERE tweet_id = 11;
UPDATE deliveries SET state = 'sending', next_at = 1, lease_until = 1 WHERE tweet_id = 12;
UPDATE deliveries SET state = 'claimed', next_at = 9e12, lease_until = 9e12 WHERE tweet_id = 13;
UPDATE deliveries SET not_before = 1, next_at = 9e12 WHERE tweet_id = 14;
"""
"""Something to do for every chore: what follows has statements of its own."""


@contextmanager
def statements(world: World) -> Iterator[list[tuple[str, Any]]]:
    """Collect what this process sends to the database, with its parameters."""
    found: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, _x: Any, many: bool) -> None:
        found.append((statement, values[0] if many else values))

    engines = (db.engine, world.app.extensions["spare_engine"])
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield found
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def run_scheduler(found: list[tuple[str, Any]]) -> None:
    """Let a scheduler of this process look at everything at least once."""
    scheduler = Scheduler()
    scheduler.start()
    try:
        for words in CHORES:
            wait_for(lambda w=words: any(w in said for said, _ in list(found)), what=words)
    finally:
        scheduler.stop_completely()
        stopping.clear()


def plan_of(statement: str, values: Any) -> str:
    """Return how PostgreSQL goes about a statement; what that changes is rolled back."""
    with db.engine.connect() as connection:
        explain = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {statement}"
        return "\n".join(connection.exec_driver_sql(explain, values).scalars())


def slow_plans(found: list[tuple[str, Any]]) -> dict[str, str]:
    """Return the plans that read rows for nothing, by statement.

    A scan of a large table does, and a scan of a whole index whose rows are then filtered.
    """
    asked = {said: values for said, values in found if said.lstrip().startswith(KINDS)}
    plans = {said: plan_of(said, values) for said, values in asked.items()}
    return {said: plan for said, plan in plans.items() if SCAN.search(plan) or wasted(plan)}


def wasted(plan: str) -> bool:
    """Return whether many rows were read that the statement was not about."""
    return any(int(count) > MAX_WASTED for count in REMOVED.findall(plan))


@pytest.mark.parametrize("has_work", [False, True], ids=["idle", "at work"])
def test_no_periodic_statement_reads_a_whole_table(
    make_world: MakeWorld, postgres_url: str, has_work: bool
) -> None:
    """With thousands of waiting rows, whether nothing is due or something is for every chore."""
    world = make_world(postgres_url)
    fill(postgres_url, PEOPLE, TWEETS)
    if has_work:
        now = "(extract(epoch FROM now()) * 1000)::bigint"
        with psycopg.connect(postgres_url) as connection:
            connection.execute(WORK.format(now=now, people=PEOPLE).encode())
    with world.rows(), statements(world) as found:
        run_scheduler(found)
        assert monitoring.problems() == ["worker"]  # that has just stopped
        dispatcher.forget_wake_ups()
        demand(30, 1)
        slow = slow_plans(found)
    assert not slow, "\n\n".join(f"{said}\n{plan}" for said, plan in slow.items())
