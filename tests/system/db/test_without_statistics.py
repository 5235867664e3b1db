"""A new database has no statistics: what PostgreSQL guesses must not make it read everything.

A connection keeps the plan that it made of an empty table until somebody analyzes the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from app.db import db, utcnow
from app.delivery.claims import Claims, Intents, claim_and_start, claim_deliveries, store_intents
from app.delivery.outcomes import SendResult, record_results
from app.models import User, content, new_tweet_at_once
from app.networks import Outcome, OutcomeKind, http
from tests.conftest import MakeWorld
from tests.support.world import World

pytestmark = pytest.mark.slow

MANY_TWEETS = """
INSERT INTO tweets (user_id, text, text_key, due_at, created_at, parts)
SELECT :user, 'tweet ' || n, md5('tweet' || n), 0, 0, '[]' FROM generate_series(1, 3000) AS n
"""
THEIR_JOBS = """
INSERT INTO deliveries (id, tweet_id, account_id, state, due_at, not_before, posted, fence, rings,
    attempts, tries, refusals, lookups, resends, echoed, asks_first, created_at)
SELECT gen_random_uuid(), id, :account, 'published', 0, 0, '[]', 1, 0, 1, 0, 0, 0, 0, false, false,
    0 FROM tweets
"""
THEIR_ATTEMPTS = """
INSERT INTO attempts (delivery_id, fence, part, body, started_at)
SELECT id, 1, 0, '{}', 0 FROM deliveries
"""
MANY_PEOPLE = """
INSERT INTO users (timezone, locale, late_tolerance, created_at)
SELECT 'UTC', 'en', 0, 0 FROM generate_series(1, 3000);
INSERT INTO accounts (user_id, network, server, host, remote_id, handle, display_name, health,
    credentials, credentials_version, credentials_stale, pauses, created_at, connected)
SELECT id, 'mastodon', 'a.test', 'a.test', 'r' || id, 'h' || id, '', 'ok', '', 1, false, 0, 0, true
FROM users WHERE late_tolerance = 0;
"""
WHOLE_TABLE = re.compile(r"Seq Scan on (accounts|attempts|deliveries|learned_items|tweets|users)\b")
OF_AN_ACCOUNT = "Index Scan using deliveries_account_due"
"""All that an account has; counting what waits reads the index alone, which is another scan."""


@pytest.fixture
def world(make_world: MakeWorld, postgres_url: str) -> World:
    """An installation on PostgreSQL, where somebody has written very much."""
    world = make_world(postgres_url)
    ana = world.user("ana")
    with world.rows():
        account = db.session.get_one(User, ana).accounts[0].id
        for statement in (MANY_PEOPLE, MANY_TWEETS, THEIR_JOBS, THEIR_ATTEMPTS):
            names = {"user": ana, "account": account}
            used = {name: value for name, value in names.items() if f":{name}" in statement}
            db.session.execute(db.text(statement), used)
        db.session.commit()
    return world


@contextmanager
def plans() -> Iterator[list[str]]:
    """Collect how PostgreSQL goes about what is asked meanwhile."""
    asked: list[tuple[str, Any]] = []
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        asked.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    connection = db.session.connection()
    for statement, values in asked:
        lines = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars()
        found.append("\n".join([statement, *lines]))


def assert_few_rows_are_read(found: list[str], *indexes: str) -> None:
    """Fail if one of these plans reads a whole table, or all of an account."""
    for plan in found:
        assert not WHOLE_TABLE.search(plan), plan
        assert OF_AN_ACCOUNT not in plan, plan
    for name in indexes:
        assert any(f"using {name}" in plan or f"on {name}" in plan for plan in found), name


def test_storing_a_tweet(world: World) -> None:
    """What was said before is looked for by its words."""
    with world.rows():
        ana = db.session.scalars(db.select(User)).first()
        assert ana is not None
        draft = content.draft_of("Fresh bread")
        accounts = ana.accounts
        with plans() as found:
            new_tweet_at_once.store(ana.id, draft, utcnow(), None, accounts, asks_first=True)
        assert_few_rows_are_read(found, "tweets_text", "learned_items_text")


@pytest.mark.parametrize("at_once", [True, False])
def test_publishing(world: World, at_once: bool) -> None:
    """Claims, contents, intents and answers are found by the ids of the jobs."""

    def choose(claims: Claims) -> Intents:
        return [(claim, {"text": claim.text}) for claim in claims]

    with world.rows():
        ana = db.session.scalars(db.select(User)).first()
        assert ana is not None
        jobs = [world.tweet_later(ana.id, f"Fresh bread {number}") for number in range(3)]
        with plans() as found:
            if at_once:
                intents, _ = claim_and_start(jobs, "somebody", choose)
                going = [claim for claim, _ in intents]
            else:
                claims = claim_deliveries(jobs, "somebody")
                going = store_intents(choose(claims), "somebody")
            at = http.boottime()
            posts = [Outcome(OutcomeKind.OK, remote_id=str(n), answered_at=at) for n in range(3)]
            told = zip(going, posts, strict=True)
            assert record_results([SendResult(claim, "x", 1, post) for claim, post in told]) == []
        assert_few_rows_are_read(found, "pk_deliveries", "uq_attempts_delivery_id_fence")
