"""What is stored together is stored whole or not at all, on each database."""

from __future__ import annotations

from app.db import db
from app.models import Attempt
from app.services import claiming
from app.states import State
from tests.support.world import World


def test_an_intent_is_stored_with_its_attempt_or_not_at_all(world: World) -> None:
    """A row whose attempt could not be stored was never about to be sent: it says so."""
    job = world.tweet_later(world.user("ana"), "all or nothing")
    with world.rows():
        claims = claiming.claim([job], "somebody")
        assert claiming.intend([(claims[0], {"text": object()})], "somebody") == []
        assert db.session.scalar(db.select(db.func.count()).select_from(Attempt)) == 0
    row = world.delivery(job)
    assert (row.state, row.first_sent_at, row.attempts) == (State.FAILED, None, 0)
