"""Objects that are made of a built statement's row are what the session would have loaded."""

from __future__ import annotations

from sqlalchemy import inspect, select

from app.db import BuiltStatement, db
from app.models import Account, User
from app.models.attached import Attached
from tests.support.world import World

PERSON, ACCOUNT = Attached(User), Attached(Account)
ALL = BuiltStatement(
    select(*PERSON.columns, *ACCOUNT.columns).outerjoin(User.accounts).order_by(User.id)
)
HERE = len(PERSON.columns)


def test_it_is_the_object_that_the_session_would_load(world: World) -> None:
    """With the same values; what is deferred comes when it is asked for, and changes are stored."""
    ana = world.user("ana")
    with world.rows():
        (row,) = ALL.run({})
        user = PERSON.object_of(row[:HERE], accounts=[ACCOUNT.object_of(row[HERE:])])
        (account,) = user.accounts
        assert "credentials" in inspect(account).unloaded
        assert account.credentials["access_token"]
        made = {name: getattr(account, name) for name in ACCOUNT.names}
        user.hobbies = "chess"
        db.session.commit()
        db.session.expunge_all()
        loaded = db.session.get_one(Account, made["id"])
        assert {name: getattr(loaded, name) for name in ACCOUNT.names} == made
        assert db.session.get_one(User, ana).hobbies == "chess"


def test_what_the_session_has_stays(world: World) -> None:
    """Somebody may have changed it and not stored that yet; there are never two of one row."""
    ana = world.user("ana")
    with world.rows():
        mine = db.session.get_one(User, ana)
        mine.hobbies = "not stored"
        with db.session.no_autoflush:
            (row,) = ALL.run({})
        assert PERSON.object_of(row[:HERE]) is mine
        assert mine.hobbies == "not stored"


def test_an_outer_join_that_found_nothing(world: World) -> None:
    """There is no object of nulls."""
    with world.rows():
        db.session.add(User(late_tolerance=60))
        db.session.commit()
        (row,) = ALL.run({})
        assert PERSON.is_there(row[:HERE])
        assert not ACCOUNT.is_there(row[HERE:])
