"""Background tasks are rows: asked for once, or done at intervals, whatever happens to workers."""

from __future__ import annotations

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from app import background, broker
from app.db import db, from_now
from app.kinds import KINDS
from app.models import BackgroundTask, TaskState, background_task
from tests.conftest import MakeWorld
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow

HOUR = 3600


def task(world: World, task_id: str) -> Any:
    """Return a task's row."""
    with world.rows():
        return row_of(BackgroundTask.id == task_id)


def row_of(condition: Any) -> Any:
    """Return the columns of one row."""
    return db.session.execute(db.select(BackgroundTask.__table__).where(condition)).one()


def told(world: World, task_id: str) -> tuple[str, Any]:
    """Return state and info of AsyncResult."""
    with world.rows():
        result = world.app.extensions["celery"].AsyncResult(task_id)
        return result.state, result.info


def asked_in_the_shell(world: World) -> str:
    """Ask for the long task as somebody at ``flask shell`` does; return its id."""
    said = world.flask("shell", stdin='print("id:", long_task.delay().id)')
    return re.search(r"id: ([0-9a-f-]{36})", said.stdout)[1]  # type: ignore[index]


def test_the_long_task_tells_how_far_it_is(make_world: MakeWorld, database_url: str) -> None:
    """PENDING, PROGRESS with a percentage, SUCCESS; the log has its three sentences once each."""
    world = make_world(database_url, LONG_TASK_SECONDS="4")
    task_id = asked_in_the_shell(world)
    assert told(world, task_id) == ("PENDING", None)
    with world.rows():
        assert broker.waiting_messages()["maintenance"] == 1
    world.start_worker()
    seen = wait_for(lambda: told(world, task_id)[0] == "PROGRESS" and told(world, task_id))
    assert set(seen[1]) == {"percent"}
    assert 0 <= seen[1]["percent"] <= 100
    wait_for(lambda: told(world, task_id)[0] == "SUCCESS", what="its end")
    wait_for(lambda: "DONE" in world.log(), what="the last sentence")  # after the end is stored
    words = re.findall(r"Running a long task|Almost done|DONE", world.log())
    assert words == ["Running a long task", "Almost done", "DONE"]


def test_a_worker_that_is_killed_in_the_middle(make_world: MakeWorld, postgres_url: str) -> None:
    """Another worker begins it again within a minute, and it ends once."""
    world = make_world(postgres_url, LONG_TASK_SECONDS="6")
    first = world.start_worker()
    task_id = asked_in_the_shell(world)
    wait_for(lambda: task(world, task_id).percent > 10, what="some progress")
    os.kill(first.pid, signal.SIGKILL)
    world.start_worker()
    wait_for(lambda: task(world, task_id).state == TaskState.DONE, what="its end")
    assert task(world, task_id).fence == 2
    wait_for(lambda: "DONE" in world.log(), what="the last sentence")  # after the end is stored
    assert world.log().count("DONE") == 1
    assert told(world, task_id)[0] == "SUCCESS"


def test_a_worker_that_stops_hands_it_back(make_world: MakeWorld, database_url: str) -> None:
    """After a SIGTERM nobody waits for a lease."""
    world = make_world(database_url, LONG_TASK_SECONDS="30")
    first = world.start_worker()
    task_id = asked_in_the_shell(world)
    wait_for(lambda: task(world, task_id).state == TaskState.RUNNING, what="its beginning")
    world.kill(first, signal.SIGTERM)
    row = task(world, task_id)
    assert (row.state, row.owner) == (TaskState.WAITING, None)


def test_without_redis_it_is_done_all_the_same(make_world: MakeWorld, database_url: str) -> None:
    """The row is the truth; only AsyncResult cannot tell."""
    world = make_world(database_url, LONG_TASK_SECONDS="0", REDIS_URL="redis://127.0.0.1:9/0")
    task_id = asked_in_the_shell(world)
    world.start_worker()
    wait_for(lambda: task(world, task_id).state == TaskState.DONE, what="its end")


def test_intervals_are_caught_up_once(make_world: MakeWorld, database_url: str) -> None:
    """After ten missed hours a chore runs once, and its next time is in the old steps."""
    world = make_world(database_url)
    with world.rows():
        background.keep_intervals()
        background.keep_intervals()
        kinds = list(db.session.scalars(db.select(BackgroundTask.kind)))
        assert len(kinds) == len(set(kinds)) > 3
        mine = BackgroundTask.kind == "sessions"
        late = from_now(-10 * HOUR - 60)
        every = {"every_s": HOUR, "due_at": late, "next_at": late}
        db.session.execute(db.update(BackgroundTask).where(mine).values(**every))
        db.session.commit()
        due_at = db.session.scalar(db.select(BackgroundTask.due_at).where(mine))
    world.start_worker()

    def row() -> Any:
        with world.rows():
            return row_of(mine)

    wait_for(lambda: row().last_run_at and row().state == TaskState.WAITING, what="a run")
    assert row().fence == 1
    assert (row().due_at - due_at).total_seconds() == 11 * HOUR
    assert row().next_at == row().due_at


def test_two_workers_begin_at_the_same_moment(make_world: MakeWorld, postgres_url: str) -> None:
    """Each kind at intervals has one row, and whoever came second looks again."""
    world = make_world(postgres_url)

    def begin() -> bool:
        with world.rows():
            return background.keep_intervals()

    with world.rows(), ThreadPoolExecutor(1) as second:
        db.session.add(
            BackgroundTask(
                id="first",
                kind="mail",
                every_s=2,
                due_at=from_now(),
                next_at=from_now(),
                created_at=from_now(),
            )
        )
        db.session.flush()
        began = second.submit(begin)
        waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with world.app.extensions["spare_engine"].connect() as spare:
            # In one transaction, each look would see what the first one saw.
            looking = spare.execution_options(isolation_level="AUTOCOMMIT")
            wait_for(lambda: looking.scalar(waits), what="the second one waits")
        db.session.commit()
        assert began.result() is False
        assert background.keep_intervals()
        kinds = db.session.scalars(db.select(BackgroundTask.kind)).all()
        assert len(kinds) == len(set(kinds))
        assert set(kinds) == {kind.name for kind in KINDS.values() if kind.every_s}


def test_a_task_that_takes_its_workers_along_is_given_up(small_world: World) -> None:
    """Nothing kills worker after worker for ever."""
    with small_world.rows():
        task_id = background.ask_for("long-task")
        for _ in range(background.MAX_LOST):
            (run,) = background.claim(["long-task"], 1, "lost")
            assert run.id == task_id
            overdue = db.update(BackgroundTask).values(next_at=from_now(-1))
            db.session.execute(overdue)
            db.session.commit()
        assert background.claim(["long-task"], 1, "lost") == []
        row = row_of(BackgroundTask.id == task_id)
        assert (row.state, row.last_result) == (TaskState.FAILED, "lost")
        assert row.next_at is None


def test_what_is_switched_off_is_not_done_soon(small_world: World) -> None:
    """Somebody who leaves asks for the end of access; an operator's "off" counts for more."""
    with small_world.rows():
        background.keep_intervals()
        mine = BackgroundTask.kind == "access"
        task_id = row_of(mine).id
        db.session.execute(background_task.change(task_id, 60, enabled=False))
        background.soon("access")
        db.session.commit()
        assert row_of(mine).next_at is None
        db.session.execute(background_task.change(task_id, 60, enabled=True))
        background.soon("access")
        db.session.commit()
        assert (row_of(mine).next_at - row_of(mine).created_at).total_seconds() < 10


def test_what_is_wanted_while_it_runs_is_done_right_after(
    make_world: MakeWorld, database_url: str
) -> None:
    """A run may have looked already: it is done again, once, also after a lost worker."""
    world = make_world(database_url)
    with world.rows():
        background.keep_intervals()
        mine = BackgroundTask.kind == "limits"

        def run() -> background.Run:
            db.session.execute(db.update(BackgroundTask).where(mine).values(next_at=from_now(-1)))
            (found,) = background.claim(["limits"], 1, "test")
            return found

        def wanted() -> bool:
            is_stored = background.soon("limits")
            db.session.commit()
            return is_stored

        def is_due() -> bool:
            return bool((row_of(mine).next_at - row_of(mine).last_run_at).total_seconds() < 15)

        first = run()
        assert wanted()
        assert wanted()
        assert background.claim(["limits"], 1, "another") == []  # never two at once
        first.finish()
        assert is_due()
        run().finish()
        assert not is_due()  # two wishes are one run
        run()
        assert wanted()
        after_a_kill = run()  # begins after the wish, so it is what was wished for
        after_a_kill.finish()
        assert not is_due()
        stopped = run()
        assert wanted()
        stopped.hand_back()
        run().fail("network")
        assert not is_due()
        failing = run()
        assert wanted()
        failing.fail("network")
        assert is_due()


def test_off_counts_for_more_than_what_was_wanted(small_world: World) -> None:
    """Switched off while it runs, it is not done again; switched on while it runs, it is."""
    with small_world.rows():
        background.begin_intervals("import", "7", 3600)
        db.session.commit()
        (run,) = background.claim(["import"], 1, "test")
        mine = BackgroundTask.id == run.id
        background.begin_intervals("import", "7", 3600)
        background.end_intervals("import", "7")
        db.session.commit()
        run.finish()
        assert row_of(mine).next_at is None
        background.begin_intervals("import", "7", 3600)
        db.session.commit()
        (run,) = background.claim(["import"], 1, "test")
        background.end_intervals("import", "7")
        background.begin_intervals("import", "7", 3600)
        db.session.commit()
        run.finish()
        assert background.upcoming(["import"]) == {"import": 0}


def test_a_worker_that_is_stopped_in_the_middle_locks_no_task(
    make_world: MakeWorld, postgres_url: str
) -> None:
    """Who wants it to be done soon would wait for that: a claim and an end are one message."""
    world = make_world(postgres_url, DATABASE_POOL_SIZE="1")
    last = text(
        "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND datname = current_database() AND query LIKE '%background_tasks%'"
    )

    def is_one_message() -> bool:
        address = world.app.config["SQLALCHEMY_DATABASE_URI"]
        with create_engine(address, poolclass=NullPool).connect() as other:
            return len(other.execute(last).all()) == 1  # the last was this, and no COMMIT

    with world.rows():
        background.keep_intervals()
        db.session.execute(db.update(BackgroundTask).values(next_at=from_now(-1)))
        db.session.commit()
        assert not is_one_message()
        (run,) = background.claim(["limits"], 1, "test")
        assert is_one_message()
        background.renew("test")
        assert is_one_message()
        run.advance(50)
        assert is_one_message()
        assert run.finish()
        assert is_one_message()


def test_the_same_id_twice_is_one_task(make_world: MakeWorld, database_url: str) -> None:
    """Whoever asks first: the shell, or a message of somebody without our rows; one message."""
    world = make_world(database_url)

    def ask(_number: int) -> str:
        with world.rows():
            return background.ask_for("long-task", "0b6f6c5e-0000-4000-8000-000000000001")

    with ThreadPoolExecutor(6) as people:
        assert len(set(people.map(ask, range(12)))) == 1
    with world.rows():
        assert db.session.scalar(db.select(db.func.count(BackgroundTask.id))) == 1
        assert broker.waiting_messages()["maintenance"] == 1
