"""What one account has yet to publish is changed, while that is possible, and nothing else."""

from __future__ import annotations

import pytest

from app.db import db
from app.models import Delivery
from app.models.tweet import AlreadyBeingSent
from app.states import State
from tests.support.threads import chains, write_thread
from tests.support.world import World


def part(text: str) -> dict[str, object]:
    """Return a part without pictures."""
    return {"text": text, "pictures": []}


def change(world: World, job: str, *texts: str) -> None:
    """Write what this job publishes from here on."""
    with world.rows():
        tweet = db.session.get_one(Delivery, job).tweet
        tweet.edit_job(job, [part(text) for text in texts])


def test_the_rest_of_a_thread(world: World) -> None:
    """Part two is refused and written anew in two parts: they follow the one that is out."""
    ana = world.user("ana")
    world.start_worker()
    world.sandbox.fault("refuse", skip=1)
    job = write_thread(world, ana, ["One", "Two"])
    assert world.until_settled([job]) == {job: State.FAILED}
    change(world, job, "Two, otherwise", "Three")
    with world.rows():
        db.session.get_one(Delivery, job).tweet.retry(job)
    assert world.until_settled([job]) == {job: State.PUBLISHED}
    assert chains(world.sandbox.accepted()) == [["One", "Two, otherwise", "Three"]]


def test_too_late(world: World) -> None:
    """What is out, or may be, is not changed; somebody else's job is not there."""
    ana = world.user("ana")
    waiting = world.tweet_later(ana, "Waits", at="in one hour")
    world.start_worker()
    out = world.tweet_later(ana, "Is out")
    world.sandbox.fault("refuse", "timeline", count=None)
    assert world.until_settled([out]) == {out: State.PUBLISHED}
    world.sandbox.fault("accept_then_drop")
    doubtful = world.tweet_later(ana, "May be out")
    assert world.until_settled([doubtful]) == {doubtful: State.REVIEW}
    for job in (out, doubtful):
        with pytest.raises(AlreadyBeingSent):
            change(world, job, "Otherwise")
    with world.rows(), pytest.raises(AlreadyBeingSent):
        db.session.get_one(Delivery, out).tweet.edit_job(waiting, [part("Not mine")])
    change(world, waiting, "Waits, otherwise")
    with world.rows():
        contents = [db.session.get_one(Delivery, job).contents for job in (out, doubtful, waiting)]
    texts = [found[0].text for found in contents]
    assert texts == ["Is out", "May be out", "Waits, otherwise"]
