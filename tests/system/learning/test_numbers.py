"""How published tweets were answered is read some time later, each moment once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from app import background
from app.background import Run
from app.db import db, utcnow
from app.delivery import retention
from app.learning import best_hours, numbers
from app.models import (
    Account,
    BestHours,
    Delivery,
    LearnedItem,
    Learning,
    PostNumbers,
    ReadingList,
    Tweet,
)
from app.networks import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.history import Numbers, ReadKind
from app.states import State
from tests.conftest import MakeWorld
from tests.support.reader import Reader
from tests.support.waiting import wait_for
from tests.support.world import World


@dataclass
class Told:
    """A network that tells what the test wrote down, and notes what it was asked."""

    network: Any
    numbers_at_once: int = 2
    read_prices: dict[ReadKind, float] = field(default_factory=dict)
    answers: dict[str, Numbers] = field(default_factory=dict)
    fails: Exception | None = None
    asked: list[list[str]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)

    def numbers(self, _credentials: Any, remote_ids: Sequence[str]) -> dict[str, Numbers]:
        """Tell the numbers of posts."""
        assert len(remote_ids) <= self.numbers_at_once
        assert not db.session().in_transaction()  # none stays open during a call
        self.asked.append(list(remote_ids))
        if self.fails:
            raise self.fails
        return {key: self.answers[key] for key in remote_ids if key in self.answers}


@pytest.fixture
def world(make_world: MakeWorld, database_url: str) -> World:
    """An installation that reads numbers after one and two hours."""
    return make_world(database_url, NUMBERS_AFTER="3600,7200", INTERESTS_DELAY="0.5")


def told_by(world: World, network: str) -> Told:
    """Let a network of this process tell what the test says."""
    told = Told(world.app.extensions["networks"][network])
    world.app.extensions["networks"][network] = told
    return told


def publish(world: World, user_id: int, *remote_ids: str, hours_ago: float = 1.5) -> list[str]:
    """Let tweets have gone out some time ago; return their jobs."""
    jobs = [world.tweet_later(user_id, f"Post {one}", "in one hour") for one in remote_ids]
    at = utcnow() - timedelta(hours=hours_ago)
    with world.rows():
        for job, remote_id in zip(jobs, remote_ids, strict=True):
            # Told here: what publishing and the time would have made of the row.
            ended = {"next_at": None, "accepted_at": at, "finished_at": at}
            values = {"state": State.PUBLISHED, "remote_id": remote_id, **ended}
            db.session.execute(db.update(Delivery).where(Delivery.id == job).values(values))
        db.session.commit()
    return jobs


def look(world: World) -> int:
    """Do one run, as a worker does it; return how many numbers it read."""
    with world.rows():
        background.keep_intervals()
        db.session.execute(
            db.text("UPDATE background_tasks SET due_at = 1, next_at = 1 WHERE kind = 'numbers'")
        )
        db.session.commit()
        (run,) = background.claim(["numbers"], 1, "test")
        count = int(numbers.read_numbers(run))
        run.finish(str(count))
        return count


def rows(world: World, job_id: str) -> list[PostNumbers]:
    """Return the rows of a job, the earliest first."""
    with world.rows():
        mine = db.select(PostNumbers).where(PostNumbers.delivery_id == job_id)
        found = list(db.session.scalars(mine.order_by(PostNumbers.after_s)))
        db.session.expunge_all()
        return found


def make_due(world: World) -> None:
    """Let the time pass until everything that waits is due."""
    with world.rows():
        waiting = db.update(PostNumbers).where(PostNumbers.due_at.is_not(None))
        db.session.execute(waiting.values(due_at=utcnow() - timedelta(seconds=1)))
        db.session.commit()


def test_each_moment_is_read_once(world: World) -> None:
    """Many posts in one call, none twice; what is not due waits, and what is gone stays gone."""
    ana = world.user("ana", "mastodon")
    told = told_by(world, "mastodon")
    told.answers = {name: Numbers(3, 2, 1) for name in ("1", "2")}
    first, _, gone = publish(world, ana, "1", "2", "3")
    assert look(world) == 2
    assert sorted(map(len, told.asked)) == [1, 2]
    assert look(world) == 0
    assert sum(map(len, told.asked)) == 3
    hour, later = rows(world, first)
    assert (hour.likes, hour.reposts, hour.replies, hour.due_at) == (3, 2, 1, None)
    assert (later.at, later.tries) == (None, 0)
    assert [(row.due_at, row.why) for row in rows(world, gone)] == [(None, "gone")] * 2
    told.answers["1"] = Numbers(9, None, 1)
    make_due(world)
    assert look(world) == 2
    assert [row.likes for row in rows(world, first)] == [3, 9]
    reader = Reader.of(world, ana)
    tweet_id = world.delivery(first).tweet_id
    (job,) = reader.json(f"/tweets/{tweet_id}")["jobs"]
    assert [one["after_s"] for one in job["numbers"]] == [3600, 7200]
    assert job["numbers"][1] | {"at": ""} == {
        "after_s": 7200,
        "at": "",
        "likes": 9,
        "reposts": None,
        "replies": 1,
    }
    assert "<caption" not in reader.page(f"/tweets/{tweet_id}")
    assert "1 hour" in reader.page(f"/tweets/{tweet_id}")
    listed = reader.json("/numbers")["tweets"]
    assert [(one["job_id"], len(one["numbers"])) for one in listed if one["numbers"]]
    assert "1 hour" in reader.page("/numbers")


def test_after_an_outage_it_is_read_once_for_all_moments(world: World) -> None:
    """What was due meanwhile is read in one call, and says when."""
    ana = world.user("ana", "mastodon")
    told = told_by(world, "mastodon")
    told.answers = {"1": Numbers(5, 0, 0)}
    (job,) = publish(world, ana, "1")
    with world.rows():
        long_ago = {"accepted_at": utcnow() - timedelta(hours=30)}
        db.session.execute(db.update(Delivery).where(Delivery.id == job).values(long_ago))
        db.session.commit()
    assert look(world) == 1
    assert told.asked == [["1"]]
    hour, later = rows(world, job)
    assert hour.at == later.at is not None


def test_a_reader_that_is_lost_loses_nothing(world: World) -> None:
    """What was taken and not stored is due again after the lease."""
    ana = world.user("ana", "mastodon")
    told = told_by(world, "mastodon")
    told.fails = KeyboardInterrupt()  # what a kill is to the code
    (job,) = publish(world, ana, "1")
    with pytest.raises(KeyboardInterrupt):
        look(world)
    with world.rows():
        db.session.execute(db.text("UPDATE background_tasks SET state = 'waiting', owner = NULL"))
        db.session.commit()
    told.fails, told.answers = None, {"1": Numbers(1, 1, 1)}
    assert look(world) == 0
    assert rows(world, job)[0].due_at is not None
    make_due(world)
    assert look(world) == 1


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (LookUpFailed("slow down", 900.0), "rate_limited"),
        (LookUpFailed("no answer"), "unreachable"),
        (LookUpRefused("no"), "not_allowed"),
        (TokenRefused("dead"), "access_refused"),
    ],
)
def test_failures_come_back_and_end(
    make_world: MakeWorld, sqlite_url: str, problem: Exception, code: str
) -> None:
    """A failure waits, longer each time, and is given up; the account stays as it is."""
    world = make_world(sqlite_url, NUMBERS_AFTER="3600")
    ana = world.user("ana", "mastodon")
    told = told_by(world, "mastodon")
    told.fails = problem
    (job,) = publish(world, ana, "1", hours_ago=0.5)
    look(world)
    make_due(world)
    for _ in range(numbers.MAX_TRIES):
        assert look(world) == 0
        (row,) = rows(world, job)
        assert row.why == code
        if row.due_at is not None:
            assert row.due_at > utcnow() + timedelta(seconds=200)
        make_due(world)
    assert (row.due_at, len(told.asked)) == (None, numbers.MAX_TRIES)
    with world.rows():
        assert db.session.scalars(db.select(Account)).one().health == "ok"


def test_where_it_costs_only_with_consent_and_within_the_cap(world: World) -> None:
    """On X nothing is read without consent, and no more than the cap of posts."""
    ana = world.user("ana")
    told = told_by(world, "x")
    told.read_prices = {ReadKind.POSTS: 0.001}
    told.answers = {name: Numbers(1, 1, 1) for name in "123"}
    publish(world, ana, "1", "2", "3")
    assert (look(world), told.asked) == (0, [])
    (account_id,) = world.accounts_of(ana)
    with world.rows():
        db.session.add(Learning(account_id=account_id))
        db.session.flush()
        db.session.add(ReadingList(account_id=account_id, kind=ReadKind.POSTS, cap=2))
        db.session.execute(db.text("DELETE FROM numbers_progress"))
        db.session.commit()
        waiting = db.session.scalar(db.select(db.func.count(PostNumbers.delivery_id)))
        assert waiting == 0
    with world.rows():
        finished = db.update(Delivery).values(finished_at=utcnow() - timedelta(seconds=30))
        db.session.execute(finished)
        db.session.commit()
    assert look(world) == 2
    with world.rows():
        assert db.session.scalars(db.select(ReadingList.used)).one() == 2
        db.session.execute(db.update(Learning).values(enabled=False))
        db.session.commit()
    make_due(world)
    assert (look(world), len(told.asked)) == (0, 1)
    with world.rows():
        left = db.select(PostNumbers).where(PostNumbers.due_at.is_not(None))
        assert db.session.scalars(left).all() == []


def test_retention_takes_them_along(make_world: MakeWorld, database_url: str) -> None:
    """A tweet that is deleted leaves no numbers behind."""
    world = make_world(database_url, KEEP_DAYS="1", NUMBERS_AFTER="3600")
    ana = world.user("ana", "mastodon")
    told_by(world, "mastodon")
    (job,) = publish(world, ana, "1", hours_ago=0.5)
    look(world)
    assert rows(world, job)
    with world.rows():
        db.session.execute(db.update(Delivery).values(finished_at=utcnow() - timedelta(days=2)))
        db.session.commit()
        assert retention.Retention().sweep() == 1
        assert db.session.scalars(db.select(Tweet)).all() == []
    assert rows(world, job) == []


def test_best_hours_of_what_was_imported_and_sent(world: World) -> None:
    """Each post counts once; under twenty nobody can say."""
    ana = world.user("ana", "mastodon", timezone="Europe/Madrid")
    told = told_by(world, "mastodon")
    told.answers = {"0": Numbers(50, 0, 0)}
    publish(world, ana, "0")
    (account_id,) = world.accounts_of(ana)
    tuesday = (utcnow() - timedelta(days=70)).replace(hour=16, minute=30)
    tuesday -= timedelta(days=tuesday.isoweekday() - 2)
    with world.rows():
        for number in range(18):
            at = tuesday + timedelta(days=7 * (number // 2), hours=5 * (number % 2))
            likes = {"likes": 3 if number % 2 else 40}
            item = {"account_id": account_id, "kind": ReadKind.POSTS, "remote_id": str(number)}
            db.session.add(LearnedItem(**item, **likes, created_at=at, sort_at=at))
        best_hours.look_again(account_id)
        db.session.commit()
    reader = Reader.of(world, ana)
    assert reader.json("/numbers")["hours"] == {"enough": False, "posts": 0, "best": []}
    soon(world)
    look(world)
    assert reader.json("/numbers")["hours"] == {"enough": False, "posts": 18, "best": []}
    assert "Too few posts to say" in reader.page("/numbers")
    assert reader.json("/numbers/hours")["next"] is None
    with world.rows():
        at = tuesday + timedelta(days=63)
        for number in ("a", "b"):
            item = {"account_id": account_id, "kind": ReadKind.POSTS, "remote_id": number}
            db.session.add(LearnedItem(**item, likes=44, created_at=at, sort_at=at))
        best_hours.look_again(account_id)
        db.session.commit()
    soon(world)
    look(world)
    hours = reader.json("/numbers")["hours"]
    local = 18 if 3 < tuesday.month < 10 else 17
    assert (hours["enough"], hours["posts"]) == (True, 20)
    assert hours["best"][0]["weekday"] == 2
    assert hours["best"][0]["hour"] in {17, 18}, local
    assert reader.json("/numbers/hours")["next"]["label"].startswith("Tue 1")
    with world.rows():
        best_hours.zone_changed(ana)
        db.session.commit()
        assert db.session.scalars(db.select(BestHours.due_at)).one() is not None


def soon(world: World) -> None:
    """Let the best hours be due now."""
    with world.rows():
        db.session.execute(db.update(BestHours).values(due_at=utcnow() - timedelta(seconds=1)))
        db.session.commit()


def test_a_run_stops_when_its_row_is_another_workers(world: World) -> None:
    """A run without its lease reads nothing."""
    ana = world.user("ana", "mastodon")
    told = told_by(world, "mastodon")
    publish(world, ana, "1")
    with world.rows(), pytest.raises(background.Lost):
        numbers.read_numbers(Run("nobody", 1, "numbers", "", 5))
    assert told.asked == []


def test_the_whole_way(make_world: MakeWorld, sqlite_url: str) -> None:
    """A worker publishes on every network, and reads its numbers there a second later."""
    world = make_world(sqlite_url, NUMBERS_AFTER="1")
    ana = world.user("ana")
    ids = [world.connect(ana, name, "ana") for name in ("mastodon", "bluesky", "facebook")]
    (on_x, *_) = accounts = world.accounts_of(ana)
    assert accounts == [on_x, *ids]
    with world.rows():
        db.session.add(Learning(account_id=on_x))
        db.session.flush()
        db.session.add(ReadingList(account_id=on_x, kind=ReadKind.POSTS, cap=200))
        db.session.commit()
    world.start_worker()
    job = world.tweet_later(ana, "How is this answered?", accounts=accounts)
    jobs = world.jobs_of(job)
    world.until_settled(list(jobs.values()))

    def is_read() -> bool:
        return all(row.at for job_id in jobs.values() for row in rows(world, job_id) or [absent])

    absent = PostNumbers()
    wait_for(is_read, what="the numbers of all networks")
    for job_id in jobs.values():
        (row,) = rows(world, job_id)
        assert (row.likes, row.due_at, row.why, row.tries) == (0, None, None, 1)
    with world.rows():
        assert db.session.scalars(db.select(ReadingList.used)).one() == 1
