"""What is stored together is stored whole or not at all, on each database."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from app.db import db, spare_connection
from app.delivery import dispatcher
from app.delivery.claims import Claims, Intents, claim_and_start, claim_deliveries, store_intents
from app.delivery.publisher import publish_here
from app.models import Attempt, Delivery, User
from app.networks.text import TextProblem
from app.states import State
from tests.support.waiting import wait_for
from tests.support.world import World


def test_an_intent_is_stored_with_its_attempt_or_not_at_all(world: World) -> None:
    """A row whose attempt could not be stored was never about to be sent: it says so."""
    job = world.tweet_later(world.user("ana"), "all or nothing")
    with world.rows():
        claims = claim_deliveries([job], "somebody")
        assert store_intents([(claims[0], {"text": object()})], "somebody") == []
        assert db.session.scalar(db.select(db.func.count()).select_from(Attempt)) == 0
    row = world.delivery(job)
    assert (row.state, row.first_sent_at, row.attempts) == (State.FAILED, None, 0)


def test_claim_and_intent_are_seen_together_or_not_at_all(world: World) -> None:
    """Who looks in between sees a scheduled row; what cannot be sent at once is only claimed."""
    ana = world.user("ana")
    jobs = [world.tweet_later(ana, text) for text in ("at once", "has to wait")]
    seen: list[str] = []

    def choose(claims: Claims) -> Intents:
        with spare_connection() as connection:
            seen.extend(connection.scalars(db.select(Delivery.state)))
        return [(claim, {"text": claim.text}) for claim in claims if claim.text == "at once"]

    with world.rows():
        intents, waiting = claim_and_start(jobs, "somebody", choose)
        bodies = db.session.scalars(db.select(Attempt.body)).all()
    assert seen == [State.SCHEDULED, State.SCHEDULED]
    assert [claim.job_id for claim, _ in intents] == jobs[:1]
    assert [claim.job_id for claim in waiting] == jobs[1:]
    assert bodies == [{"text": "at once"}]
    going, kept = (world.delivery(job) for job in jobs)
    assert (going.state, going.fence, going.attempts) == (State.SENDING, 1, 1)
    assert (kept.state, kept.fence, kept.attempts) == (State.CLAIMED, 1, 0)
    assert (kept.owner, kept.first_sent_at) == ("somebody", None)
    assert going.first_sent_at is not None


def test_what_cannot_be_stored_with_its_intent_is_only_claimed(world: World) -> None:
    """Then each intent is stored alone, and one that the database refuses stops no other."""
    jobs = [world.tweet_later(world.user("ana"), text) for text in ("good", "bad")]
    bodies: dict[str, Any] = {"good": {"text": "good"}, "bad": {"text": object()}}

    def choose(claims: Claims) -> Intents:
        return [(claim, bodies[claim.text]) for claim in claims]

    with world.rows():
        intents, waiting = claim_and_start(jobs, "somebody", choose)
        assert intents == []
        assert db.session.scalar(db.select(db.func.count()).select_from(Attempt)) == 0
        going = store_intents(choose(waiting), "somebody")
    assert [claim.text for claim in going] == ["good"]
    assert [world.delivery(job).state for job in jobs] == [State.SENDING, State.FAILED]


def test_publishing_changes_a_row_twice(world: World) -> None:
    """Claimed with its intent, and published; before its time, a scheduler's mark makes it three.

    On PostgreSQL each change is a new row and an entry in nearly every index.
    """
    ana = world.user("ana")
    changes: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "UPDATE deliveries" in statement:
            changes.append(statement)

    with world.rows():
        event.listen(db.engine, "after_cursor_execute", note)
        try:
            publish_here([world.tweet_later(ana, "now")])
            assert len(changes) == 2
            changes.clear()
            job = world.tweet_later(ana, "soon", "in 4 seconds")
            wait_for(lambda: job in dispatcher.dispatch().job_ids, what="a due tweet")
            publish_here([job])
        finally:
            event.remove(db.engine, "after_cursor_execute", note)
    assert len(changes) == 3


def test_a_tweet_is_one_transaction_and_a_long_text_is_counted_outside(world: World) -> None:
    """Ending one for each tweet made POST /tweets a third dearer; counting must block nobody."""
    user_id = world.user("ana")
    ended: list[object] = []
    note = ended.append
    with world.rows():
        user = db.session.get_one(User, user_id)
        event.listen(db.engine, "commit", note)
        try:
            user.tweet_later("Short", "in 2 hours")
            assert len(ended) == 1
            db.session.expire_all()
            with pytest.raises(TextProblem):
                user.tweet_later("a" * 6_000, "in 2 hours")
            assert len(ended) == 2
        finally:
            event.remove(db.engine, "commit", note)
