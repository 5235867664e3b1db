"""New versions of a delivery take the places of its older ones, without waiting for a vacuum."""

from __future__ import annotations

from itertools import batched

import pytest

from app.db import db
from app.delivery import dispatcher
from app.delivery.claims import Claims, Intents, claim_and_start
from app.delivery.outcomes import SendResult, record_results
from app.models import Delivery, User
from app.networks import Outcome, OutcomeKind, http
from app.states import State
from tests.conftest import MakeWorld

pytestmark = pytest.mark.slow

TWEETS = """
INSERT INTO tweets (user_id, text, due_at, created_at, parts)
SELECT :user, 'tweet ' || n, 0, 0, '[]' FROM generate_series(1, 1000) AS n
"""
JOBS = """
INSERT INTO deliveries (id, tweet_id, account_id, state, due_at, not_before, next_at, posted, fence,
    rings, attempts, tries, refusals, lookups, resends, echoed, asks_first, created_at)
SELECT gen_random_uuid(), id, :account, 'scheduled', :now, :now, :now, '[]', 0, 0, 0, 0, 0, 0, 0,
    false, false, 0 FROM tweets
"""
NOW = "extract(epoch FROM now()) * 1000"
SIZE = db.text("SELECT pg_relation_size('deliveries')")


def test_publishing_hardly_grows_the_table(make_world: MakeWorld, postgres_url: str) -> None:
    """Three changes of each row would be three more tables, if each version had a place of its
    own.
    """
    world = make_world(postgres_url)
    ana = world.user("ana")
    with world.rows():
        account = db.session.get_one(User, ana).accounts[0].id
        db.session.execute(db.text(TWEETS), {"user": ana})
        db.session.execute(db.text(JOBS.replace(":now", NOW)), {"account": account})
        db.session.commit()
        before = db.session.scalar(SIZE)
        job_ids = dispatcher.dispatch().job_ids
        assert len(job_ids) == 1_000
        for some in batched(job_ids, 50, strict=False):
            publish(some)
        published = db.session.scalar(
            db.select(db.func.count()).where(Delivery.state == State.PUBLISHED)
        )
        assert published == 1_000
        assert db.session.scalar(SIZE) < 2.2 * before


def publish(job_ids: tuple[str, ...]) -> None:
    """Claim these, and record that all of them were accepted."""

    def choose(claims: Claims) -> Intents:
        return [(claim, {"text": claim.text}) for claim in claims]

    intents, _ = claim_and_start(job_ids, "somebody", choose)
    at = http.boottime()
    posts = [
        Outcome(OutcomeKind.OK, remote_id=claim.job_id, answered_at=at) for claim, _ in intents
    ]
    told = zip(intents, posts, strict=True)
    assert record_results([SendResult(claim, "x", 1, post) for (claim, _), post in told]) == []
