"""While nobody is there and nothing is published, upkeep rests; the first person ends that."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import event

from app import background, broker
from app.db import db, from_now
from app.models import BackgroundTask, TaskState, User
from app.workers.activity import UPKEEP_SECONDS, Activity
from app.workers.runner import Runner
from tests.conftest import MakeWorld
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow

UPKEEP = frozenset({"maintenance"})


def rests(world: World, activity: Activity) -> dict[str, float]:
    """Do all upkeep once; return for how many seconds each kind then rests."""
    runner = Runner(world.app, UPKEEP, activity)
    with world.rows():
        background.keep_intervals()
        db.session.execute(db.update(BackgroundTask).values(next_at=from_now(), due_at=from_now()))
        db.session.commit()
        runner.look()

        def done() -> Any:
            rows = db.session.scalars(db.select(BackgroundTask)).all()
            db.session.commit()
            mine = [row for row in rows if row.kind in runner.kinds]
            if any(row.last_result is None or row.state == TaskState.RUNNING for row in mine):
                runner.look()
                return None
            return {row.kind: seconds_between(row.last_run_at, row.next_at) for row in mine}

        return dict(wait_for(done, what="all upkeep"))


def seconds_between(earlier: datetime | None, later: datetime | None) -> float:
    """Return the seconds."""
    assert earlier is not None
    assert later is not None
    return (later - earlier).total_seconds()


def test_upkeep_rests_while_it_is_quiet(make_world: MakeWorld, database_url: str) -> None:
    """No kind comes more often then; the first activity brings forward what rested."""
    world = make_world(database_url)
    quiet = rests(world, Activity(quiet_after=0))
    assert min(quiet.values()) >= UPKEEP_SECONDS
    with world.rows():
        background.bring_forward()
        left = background.upcoming(list(quiet))
    assert {left[kind] for kind in ("notices", "series", "interests", "counts")} == {0}
    assert min(left[kind] for kind in ("limits", "avatars", "sessions")) > UPKEEP_SECONDS


def test_what_has_something_to_do_does_not_rest(make_world: MakeWorld, database_url: str) -> None:
    """There may be more of it: only a run that found nothing is followed by a longer rest."""
    world = make_world(database_url)
    leaving = world.user("ana")
    with world.rows():
        db.session.get_one(User, leaving).delete_at = from_now(-1)
        db.session.commit()
    quiet = rests(world, Activity(quiet_after=0))
    assert quiet["deletions"] < UPKEEP_SECONDS <= quiet["series"]


def test_upkeep_comes_as_usual_while_somebody_is_there(
    make_world: MakeWorld, database_url: str
) -> None:
    """Then nothing is brought forward either."""
    world = make_world(database_url)
    usual = rests(world, Activity())
    assert max(usual["notices"], usual["series"]) < UPKEEP_SECONDS
    with world.rows():
        before = background.upcoming(list(usual))
        background.bring_forward()
        after = background.upcoming(list(usual))
    assert all(after[kind] > 0 or before[kind] < 1 for kind in usual)


def looks(runner: Runner) -> int:
    """Return how many of ten looks in a row ask the database."""
    asked: list[str] = []

    def note(*about: Any) -> None:
        asked.append(about[2])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        for _ in range(10):
            runner.look()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(asked)


def test_a_quiet_worker_asks_less_often(make_world: MakeWorld, database_url: str) -> None:
    """Nothing is due: one look is good for a while. A task that comes then is found soon after."""
    world = make_world(database_url)
    with world.rows():
        background.keep_intervals()
        db.session.execute(db.update(BackgroundTask).values(next_at=from_now(600)))
        db.session.commit()
        assert looks(Runner(world.app, UPKEEP, Activity())) == 10
        quiet = Runner(world.app, UPKEEP, Activity(quiet_after=0))
        assert looks(quiet) == 1
        counts = BackgroundTask.kind == "counts"
        db.session.execute(db.update(BackgroundTask).where(counts).values(next_at=from_now()))
        db.session.commit()

        def is_done() -> bool:
            quiet.look()
            found = db.session.scalar(db.select(BackgroundTask.last_result).where(counts))
            db.session.commit()
            return found is not None

        wait_for(is_done, what="the task being done")


def test_what_counts_as_activity(small_world: World) -> None:
    """A person, and a message to workers; a page that was left open, and monitors, do not."""
    site = small_world.start_web()
    ana = Visitor(site)
    ana.sign_in("ana")
    job_id = ana.post("/tweets", text="later", when="in one hour").json()["job_id"]

    def mark() -> Any:
        return small_world.valkey.command("GET", broker.ACTIVITY_KEY)

    def changes(address: str) -> bool:
        before = mark()
        small_world.valkey.command("DEL", broker.ACTIVITY_KEY)
        ana.http.get(f"{site}{address}")
        after = mark()
        small_world.valkey.command("SET", broker.ACTIVITY_KEY, str(before))
        return after is not None

    assert mark() is not None
    wait_for(lambda: changes("/"), what="a page that counts")
    assert not any(changes(address) for address in (f"/status/{job_id}", "/healthz"))
    small_world.valkey.command("DEL", broker.ACTIVITY_KEY)
    with small_world.rows():
        assert broker.notify_jobs([job_id])
    assert mark() is not None


def test_activity_ends_the_quiet_once() -> None:
    """The first mark that is another one does, and a broker that does not tell."""
    activity = Activity(quiet_after=0)
    assert activity.is_quiet
    assert activity.note("first")
    assert not activity.note("first")
    assert activity.note("second")
    assert activity.note_unknown()
    lasting = Activity()
    assert not lasting.is_quiet
    assert not lasting.note("first")  # it was not quiet
