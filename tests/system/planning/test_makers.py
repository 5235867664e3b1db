"""Two workers that make a series ahead in the same moment, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from app.db import db, from_now, utcnow
from app.models import Delivery, Tweet, User, content
from app.models import series as rows
from app.planning import Wish, ahead, recurrence, repeating
from tests.conftest import MakeWorld

COUNT = 200


def test_two_makers_make_each_tweet_once(make_world: MakeWorld, database_url: str) -> None:
    """Nothing twice and nothing lost, also when one of them is killed half way."""
    world = make_world(database_url)
    user_id = world.user("ana")
    with world.rows():
        user = db.session.get_one(User, user_id)
        start = utcnow().replace(tzinfo=None, minute=0, second=0, microsecond=0)
        rule = recurrence.parse(f"FREQ=HOURLY;COUNT={COUNT}")
        wish = Wish(rule, start, content.draft_of("Every hour"), user.chosen(None))
        series_id = repeating.create(user, wish, None).id
        made = db.session.scalar(db.select(db.func.count(Tweet.id)))
        assert made in {COUNT - 1, COUNT}  # the first one may be over
        db.session.execute(db.delete(Delivery))
        db.session.execute(db.delete(Tweet))
        again = {"made_wall": None, "made_number": 0, "next_at": from_now()}
        db.session.execute(db.update(rows.Series).values(again))
        db.session.commit()
        series = db.session.get_one(rows.Series, series_id, populate_existing=True)
        plan = ahead.plan(series, utcnow())
        assert ahead.store(series, plan, user.chosen(None)) == made
        db.session.rollback()  # as the database does for a worker that is killed here
    together = Barrier(4)

    def make() -> int:
        with world.rows():
            together.wait()
            return ahead.make(series_id)

    with ThreadPoolExecutor(4) as makers:
        counts = [one.result() for one in [makers.submit(make) for _ in range(4)]]
    assert sorted(counts) == [0, 0, 0, made]
    with world.rows():
        moments = list(db.session.scalars(db.select(Tweet.occurrence)))
        assert len(moments) == len(set(moments)) == made
        assert db.session.scalar(db.select(db.func.count(Delivery.id))) == made
