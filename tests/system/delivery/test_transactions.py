"""What is stored together is stored whole or not at all, on each database."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from app.db import db
from app.delivery.claims import claim_deliveries, store_intents
from app.models import Attempt, User
from app.networks.text import TextProblem
from app.states import State
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
