"""Statements that go straight to PostgreSQL's driver do what SQLAlchemy does with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask import current_app
from sqlalchemy import Integer, bindparam, event, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.db import BuiltStatement, db
from app.db.built import _numbered
from app.db.session import has_connection
from app.models import Tweet, User
from app.states import State
from tests.support.world import World

DUE_AT = datetime(2030, 5, 6, 7, 8, 9, 123_000, tzinfo=UTC)
PARTS = [{"text": "100 %", "pictures": []}]
ADDED = BuiltStatement(insert(Tweet.__table__).returning(Tweet.id))
FOUND = BuiltStatement(
    select(Tweet.text, Tweet.parts, Tweet.due_at.label("at"), Tweet.series_id).where(
        Tweet.user_id == bindparam("owner"), Tweet.text.like("100 %")
    )
)
PLAIN = {"text": "100 % mine", "parts": PARTS, "due_at": DUE_AT, "text_key": None}


def _add(user_id: int, submit_id: str) -> None:
    ADDED.run({**PLAIN, "user_id": user_id, "submit_id": submit_id})


def test_values_go_in_and_out_as_always(world: World) -> None:
    """Moments, JSON and defaults, with and without somebody who listens to statements."""
    ana = world.user("ana")
    with world.rows():
        _add(ana, "first")
        db.session.commit()
        (row,) = FOUND.read({"owner": ana})
        assert (row.text, row.parts, row.at, row.series_id) == ("100 % mine", PARTS, DUE_AT, None)
        made = db.session.scalar(db.select(Tweet.created_at))
        assert made is not None
        assert abs((datetime.now(UTC) - made).total_seconds()) < 3600
        db.session.rollback()
        seen: list[Any] = []
        event.listen(db.engine, "after_cursor_execute", lambda *said: seen.append(said))
        assert [tuple(one) for one in FOUND.read({"owner": ana})] == [tuple(row)]
        assert seen


def test_what_is_refused_is_undone_with_its_transaction(world: World) -> None:
    """The error is SQLAlchemy's own."""
    ana = world.user("ana")
    with world.rows():
        _add(ana, "twice")
        db.session.commit()
        _add(ana, "another")
        with pytest.raises(IntegrityError):
            _add(ana, "twice")
        db.session.rollback()
        assert len(FOUND.read({"owner": ana})) == 1
        assert len(FOUND.read({"owner": ana + 1})) == 0


def test_a_read_that_fails_leaves_no_connection_without_transactions(
    make_world: Any, postgres_url: str
) -> None:
    """Else what somebody else writes later could not be undone."""
    world: World = make_world(postgres_url)
    ana = world.user("ana")
    broken = BuiltStatement(select(1 // bindparam("divisor", type_=Integer)))
    with world.rows():
        for _ in range(2 * current_app.config["DATABASE_POOL_SIZE"]):
            with pytest.raises(DBAPIError):
                broken.read({"divisor": 0})
            _add(ana, "undone")
            db.session.rollback()
            assert not FOUND.read({"owner": ana})


def test_a_connection_that_was_lost_is_not_used_again(make_world: Any, postgres_url: str) -> None:
    """In a transaction the loss is an error; the next one begins on another connection."""
    world: World = make_world(postgres_url)
    ana = world.user("ana")
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    mine = f"{others} AND datname = current_database()"
    with world.rows():
        _add(ana, "lost")
        with current_app.extensions["spare_engine"].connect() as spare:
            spare.execute(text(mine))
        with pytest.raises(DBAPIError) as lost:
            _add(ana, "lost, too")
        assert lost.value.connection_invalidated
        db.session.rollback()
        assert not FOUND.read({"owner": ana})
        _add(ana, "kept")
        db.session.commit()
        assert len(FOUND.read({"owner": ana})) == 1


def test_a_change_alone_is_a_transaction_of_its_own(make_world: Any, postgres_url: str) -> None:
    """It is committed at once; a row that is refused changes nothing about the connection."""
    world: World = make_world(postgres_url, DATABASE_POOL_SIZE="1")
    ana = world.user("ana")
    with world.rows():
        ADDED.run_alone({**PLAIN, "user_id": ana, "submit_id": "alone"})
        db.session.rollback()
        before = db.session.scalar(text("SELECT pg_backend_pid()"))
        with pytest.raises(IntegrityError):
            ADDED.run_alone({**PLAIN, "user_id": ana, "submit_id": "alone"})
        _add(ana, "undone")
        db.session.rollback()
        assert len(FOUND.read({"owner": ana})) == 1
        assert db.session.scalar(text("SELECT pg_backend_pid()")) == before


def test_without_a_database_the_error_is_as_always(make_world: Any, postgres_url: str) -> None:
    """Whoever reads without a transaction gets SQLAlchemy's error, also when none can connect."""
    url, _, options = postgres_url.partition("?")
    world: World = make_world(f"{url}_gone?{options}")
    with world.rows():
        for _ in range(2):
            with pytest.raises(DBAPIError) as gone:
                FOUND.read({"owner": 1})
            assert gone.value.connection_invalidated


def test_a_session_that_only_knows_objects_holds_no_connection(world: World) -> None:
    """What is read then needs no transaction; once it has begun one, it is read there."""
    ana = world.user("ana")
    with world.rows():
        assert not has_connection()
        db.session.add(db.session.get_one(User, ana))
        assert has_connection()
        db.session.commit()
        assert not has_connection()
        db.session.add(User(late_tolerance=1))
        assert db.session().in_transaction()
        assert not has_connection()
        assert len(FOUND.read({"owner": ana})) == 0
        assert not has_connection()
        db.session.flush()
        assert has_connection()


def test_a_parameter_may_be_named_twice() -> None:
    """Names become numbers, the same ones wherever they stand; "%%" becomes "%"."""
    said = "%(a)s::TEXT, 7 %% 2, %(b)s, %(a)s LIKE '%%s'"
    assert _numbered(said) == (b"$1::TEXT, 7 % 2, $2, $1 LIKE '%s'", ["a", "b"])


def test_what_is_accepted_is_stored_the_usual_way(world: World) -> None:
    """Nothing needs the ways that are left when the database refuses a statement for many."""
    ana = world.user("ana")
    world.start_worker()
    jobs = [world.tweet_later(ana, f"tweet {number}") for number in range(12)]
    assert set(world.until_settled(jobs).values()) == {State.PUBLISHED}
    assert all(world.delivery(job).lookups == 0 for job in jobs)
    assert " ERROR " not in world.log()
    assert "together" not in world.log()
