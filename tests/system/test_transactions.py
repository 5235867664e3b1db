"""What is stored together is stored whole or not at all, on each database."""

from __future__ import annotations

import pytest

from app.db import abandon, db
from app.models import Attempt
from app.services import claiming
from app.states import State
from tests.support.world import World


def test_an_intent_is_stored_with_its_attempt_or_not_at_all(world: World) -> None:
    """A row whose attempt could not be stored is still only claimed."""
    job = world.tweet_later(world.user("ana"), "all or nothing")
    with world.rows():
        claims = claiming.claim([job], "somebody")
        with pytest.raises(TypeError):
            claiming.intend([(claims[0], {"text": object()})], "somebody")
        abandon()
        assert db.session.scalar(db.select(db.func.count()).select_from(Attempt)) == 0
    assert world.delivery(job).state == State.CLAIMED
