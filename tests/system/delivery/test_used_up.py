"""An accepted tweet that was the last one its account's allowance had room for."""

from __future__ import annotations

import pytest

from app.db import database_now, db, utcnow
from app.delivery.claims import Claims, Intents, claim_and_start
from app.delivery.outcomes import SendResult, record_results
from app.models import Account
from app.networks import Outcome, OutcomeKind, http
from app.states import State
from tests.support.world import World

pytestmark = pytest.mark.slow
LEFT = 600.0
"""Seconds until the network has room again."""


def test_only_its_account_is_paused(world: World) -> None:
    """Both tweets are published in one statement; all of it is committed."""
    jobs = {}
    with world.rows():
        for handle in ("ana", "ben"):
            jobs[handle] = world.tweet_later(world.user(handle), f"By {handle}", utcnow())
        record_accepted([*jobs.values()], used_up=jobs["ana"])
    assert {world.delivery(job).state for job in jobs.values()} == {State.PUBLISHED}
    with world.rows():
        until = dict(db.session.execute(db.select(Account.handle, Account.paused_until)).all())
        left = (until["ana"] - database_now()).total_seconds()
    assert LEFT - 60 < left <= LEFT
    assert until["ben"] is None


def record_accepted(jobs: list[str], *, used_up: str) -> None:
    """Send these in one group; with one of them an allowance is used up."""

    def choose(claims: Claims) -> Intents:
        return [(claim, {"text": claim.text}) for claim in claims]

    intents, _ = claim_and_start(jobs, "somebody", choose)
    results = []
    for claim, _ in intents:
        outcome = Outcome(
            OutcomeKind.OK,
            remote_id=claim.job_id,
            answered_at=http.boottime(),
            pause_for=LEFT if claim.job_id == used_up else None,
        )
        results.append(SendResult(claim, "x", 1, outcome))
    assert len(results) == len(jobs)
    assert record_results(results) == []
