"""What a connection to PostgreSQL has prepared outlives a rollback, and a rollback undoes."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from app.db import db
from app.models import User
from tests.conftest import MakeWorld
from tests.support.servers import Postgres
from tests.support.world import World

pytestmark = pytest.mark.slow

OFTEN = 12
"""Executions after which the driver has prepared a statement."""


@pytest.fixture
def world(make_world: MakeWorld, postgres_url: str) -> World:
    """An installation on PostgreSQL, with one connection."""
    return make_world(postgres_url, DATABASE_POOL_SIZE="1")


def prepared() -> int:
    """Return how many statements the session's connection has prepared."""
    return int(db.session.scalar(text("SELECT count(*) FROM pg_prepared_statements")) or 0)


def test_statements_stay_prepared(world: World) -> None:
    """Requests that only read end with a rollback, also those that were refused."""
    with world.rows():
        for _ in range(OFTEN):
            db.session.scalar(select(func.count(User.id)))
            db.session.rollback()
        before = prepared()
        assert before > 0
        with pytest.raises(ProgrammingError):
            db.session.execute(text("SELECT nothing_of_this_name"))
        db.session.rollback()
        assert prepared() == before


def test_a_rollback_undoes(world: World) -> None:
    """What was written is gone, and the connection begins anew."""
    user_id = world.user("ana")
    with world.rows():
        one = db.session.get_one(User, user_id)
        before = one.late_tolerance
        one.late_tolerance = before + 60
        db.session.flush()
        db.session.rollback()
        assert db.session.get_one(User, user_id).late_tolerance == before
        db.session.rollback()
        db.session.get_one(User, user_id).late_tolerance = before + 120
        db.session.commit()
        assert db.session.get_one(User, user_id).late_tolerance == before + 120


def test_a_lost_connection_is_replaced(
    make_world: MakeWorld, postgres_url: str, postgres: tuple[Postgres, str]
) -> None:
    """A server that ends a connection in a transaction makes the next one connect anew."""
    world = make_world(postgres_url, DATABASE_POOL_SIZE="1")
    with world.rows():
        db.session.scalar(select(func.count(User.id)))
        postgres[0].cut_connections()
        with pytest.raises(DBAPIError) as raised:
            db.session.scalar(select(func.count(User.id)))
        assert raised.value.connection_invalidated
        db.session.rollback()
        assert db.session.scalar(select(func.count(User.id))) == 0
