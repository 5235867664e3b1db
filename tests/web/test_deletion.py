"""Leaving: nothing goes out, it can be taken back, and then nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Date, Float, LargeBinary, Table, insert, select
from sqlalchemy.sql.sqltypes import Integer

from app.accounts import connections, deletion, holds
from app.accounts.erasing import REVOKE_FOR, owned
from app.db import EncryptedJSON, UTCDateTime, db, from_now, utcnow
from app.delivery import claims, dispatcher
from app.models import Account, Delivery, EmailAddress, Pause, Picture, Role, User
from app.networks import TokenRefused
from app.networks.base import Connection, Profile
from app.pictures import FileMissing, storage
from app.states import HoldReason, State
from tests.support.reader import JSON as AS_JSON
from tests.support.reader import Reader
from tests.support.world import World

MARK = "zanzibar"
"""In the name and the words of whoever leaves, and nowhere else."""


@pytest.fixture
def ana(world: World) -> tuple[int, Reader]:
    """Ana's id, and Ana, with an account on X and one on Mastodon."""
    user_id = world.user(MARK)
    world.connect(user_id, "mastodon", MARK)
    return user_id, Reader.of(world, user_id)


def leave(reader: Reader) -> Any:
    """Ask for the deletion."""
    headers = {**AS_JSON, "X-CSRFToken": reader._token()}
    return reader.client.delete("/me", json={"confirm": "delete"}, headers=headers)


def state_of(world: World, job_id: str) -> tuple[str, str | None]:
    """Return the state of a job, and why it is held."""
    row = world.delivery(job_id)
    return row.state, row.hold_reason


def dispatch(world: World) -> list[str]:
    """Do what a worker does; return what it claimed."""
    with world.rows():
        dispatcher.forget_wake_ups()  # nobody has claimed what workers were notified of
        dispatcher.dispatch()
        holds.release_forgotten()
        due = db.select(Delivery.id).where(Delivery.not_before <= from_now())
        taken = claims.claim_deliveries(list(db.session.scalars(due)), "worker")
        return [claim.job_id for claim in taken]


def test_nothing_goes_out(world: World, ana: tuple[int, Reader]) -> None:
    """Whatever is due, new, sent again or reconnected is held; kept, it asks."""
    user_id, reader = ana
    old = world.tweet_later(user_id, "Waits already")
    later = world.tweet_later(user_id, "Due in an hour", at="in one hour")
    first = leave(reader)
    assert first.status_code == 202
    assert leave(reader).json == first.json
    refused = reader.client.delete(
        "/me", json={"confirm": "yes"}, headers={**AS_JSON, "X-CSRFToken": reader._token()}
    )
    assert (refused.status_code, refused.json["error"]["field"]) == (422, "confirm")
    with world.rows():
        at_once = db.session.get_one(User, user_id).tweet("Published in this process")
    new = world.tweet_later(user_id, "Written meanwhile")
    assert dispatch(world) == []
    held = (State.HELD, HoldReason.DELETION)
    assert [state_of(world, one) for one in (old, at_once, new)] == [held] * 3
    tweet_id = world.delivery(new).tweet_id
    reader.post(f"/tweets/{tweet_id}/reschedule", when="now")
    with world.rows():
        for account_id in db.session.scalars(select(Account.id)):
            holds.release_account(account_id)
        db.session.commit()
    assert dispatch(world) == []
    assert state_of(world, new) == held
    assert "asked us to delete" in reader.json(f"/status/{new}")["error"]["message"]
    assert "Keep my account" in reader.page("/")
    assert reader.post("/me/keep").status_code == 200
    asks = (State.HELD, HoldReason.LATE)
    assert [state_of(world, one) for one in (old, at_once, new)] == [asks] * 3
    assert state_of(world, later) == (State.SCHEDULED, None)
    reader.post(f"/tweets/{tweet_id}/reschedule", when="now")
    assert dispatch(world) == [new]
    assert reader.post("/me/keep").status_code == 200


def test_nothing_is_left(world: World, ana: tuple[int, Reader]) -> None:
    """No row in any table, no picture, no access; others keep all of theirs."""
    user_id, reader = ana
    ben = world.user("ben")
    world.tweet_later(ben, "Ben's own", at="in one hour")
    reader.post("/tweets", text=f"Hello from {MARK}", when="in one hour")
    with world.rows():
        mine = select(Account).where(Account.user_id == user_id)
        access = {one.network: one.credentials for one in db.session.scalars(mine)}
        db.session.add(EmailAddress(user_id=user_id, address=f"{MARK}@example.com"))
        picture = Picture(user_id=user_id, mime="image/png", width=1, height=1, size=1)
        db.session.add(picture)
        db.session.commit()
        storage.put(storage.clean(picture.id), b"x")
        picture_id = picture.id
        fill_every_table(user_id)
        everything = {table for table, _ in owned(user_id)}
        assert {table.name for table in everything} >= {"attempts", "uploads", "push_messages"}
        assert all(theirs(table, user_id) for table in everything)
        others = {table: count(table) - theirs(table, user_id) for table in everything}
    leave(reader)
    assert deletion_runs(world, user_id) == []  # its time has not come
    with world.rows():
        db.session.execute(db.update(User).where(User.id == user_id).values(delete_at=from_now(-1)))
        db.session.commit()
    assert deletion_runs(world, user_id) == [False]  # a pause that they made, once an operator
    with world.rows():
        db.session.execute(db.update(Pause).values(settled_at=from_now()))
        db.session.commit()
    assert deletion_runs(world, user_id) == [True]
    with world.rows():
        assert {table: count(table) for table in others} == others
        for table in db.metadata.sorted_tables:
            rows = [str(row) for row in db.session.execute(select(*_read(table)))]
            assert not [row for row in rows if MARK in row], table.name
        with pytest.raises(FileMissing):
            storage.get(storage.clean(picture_id))
        for name in ("x", "mastodon"):
            with pytest.raises(TokenRefused):
                world.app.extensions["networks"][name].who_am_i(access[name])
    assert reader.client.get("/settings", headers=AS_JSON).status_code == 401
    assert world.user(MARK) != user_id


def test_sign_in_after_the_time(world: World, ana: tuple[int, Reader]) -> None:
    """Also while no worker runs, whoever signs in then is a new person, and the old one is out."""
    user_id, reader = ana
    leave(reader)
    with world.rows():
        profile = Profile(
            *db.session.execute(
                select(Account.remote_id, Account.handle).where(Account.network == "x")
            ).one()
        )
        db.session.execute(db.update(User).values(delete_at=from_now(-1)))
        db.session.commit()
        assert reader.post("/me/keep").status_code == 409
        done = connections.sign_in("x", [Connection(profile, {"access_token": "new"})])
        assert done.user_id != user_id
    assert reader.client.get("/settings", headers=AS_JSON).status_code == 401


def test_a_network_that_is_down(world: World, ana: tuple[int, Reader]) -> None:
    """It is asked again for a day; then everything is deleted all the same."""
    user_id, reader = ana
    leave(reader)
    with world.rows():
        down = {"server": "gone.invalid", "host": "gone.invalid"}
        credentials = {"server_url": "https://gone.invalid", "access_token": "x"}
        db.session.execute(
            db.update(Account)
            .where(Account.network == "mastodon")
            .values(**down, credentials=credentials)
        )
        db.session.execute(db.update(User).values(delete_at=from_now(-1)))
        db.session.commit()
    assert deletion_runs(world, user_id) == [False]
    with world.rows():
        kept = db.session.scalars(select(Account).order_by(Account.id)).all()
        assert [bool(one.credentials) for one in kept] == [False, True]
        db.session.execute(db.update(User).values(delete_at=from_now(-REVOKE_FOR - 1)))
        db.session.commit()
    assert deletion_runs(world, user_id) == [True]
    with world.rows():
        assert count(User.__table__) == 0


def test_operators(small_world: World) -> None:
    """Whoever looks after the site may leave, too."""
    user_id = small_world.user(MARK, role=Role.OPERATOR)
    assert leave(Reader.of(small_world, user_id)).status_code == 202


def test_pages(small_world: World) -> None:
    """Without a script: asked once more, taken back."""
    reader = Reader.of(small_world, small_world.user(MARK))
    assert "/me/delete" in reader.page("/settings")
    assert "For 14 days" in reader.page("/me/delete")
    assert reader.submit("/me/delete").status_code == 422
    assert reader.submit("/me/delete", confirm="delete").status_code == 303
    assert "Keep my account" in reader.page("/settings")
    assert "Asked to delete the account" in reader.page("/settings/sessions")
    assert reader.submit("/me/keep").status_code == 303
    assert "Keep my account" not in reader.page("/")


def deletion_runs(world: World, user_id: int) -> list[bool]:
    """Do what the background work does; return whether each person is gone."""
    with world.rows():
        deletion.close_due()
        return [deletion.erase(one, lambda: None) for one in deletion.closed()]


def count(table: Any) -> int:
    """Return how many rows a table has."""
    return db.session.scalar(select(db.func.count()).select_from(table)) or 0


def theirs(table: Table, user_id: int) -> int:
    """Return how many of them belong to somebody."""
    mine = [condition for one, condition in owned(user_id) if one is table]
    return db.session.scalar(select(db.func.count()).select_from(table).where(db.or_(*mine))) or 0


def _read(table: Table) -> Iterator[Any]:
    """Return the columns of a table; what is encrypted is read as it is."""
    return (column for column in table.columns)


def fill_every_table(user_id: int) -> None:
    """Give somebody a row in each table that has none of theirs, with a mark in each text."""
    for table in db.metadata.sorted_tables:
        ways = [condition for one, condition in owned(user_id) if one is table]
        if ways and not theirs(table, user_id):
            db.session.execute(insert(table).values(_row(table, user_id)))
    db.session.commit()


def _row(table: Table, user_id: int) -> dict[str, Any]:
    return {
        column.name: _value(column, user_id)
        for column in table.columns
        if column.foreign_keys or not (column.nullable or _counts_up(column))
    }


def _counts_up(column: Any) -> bool:
    alone = column.primary_key and len(column.table.primary_key) == 1
    return alone and isinstance(column.type, Integer) and not column.foreign_keys


def _value(column: Any, user_id: int) -> Any:
    for key in column.foreign_keys:
        parent = key.column.table
        if parent is User.__table__:
            return user_id
        ways = [condition for one, condition in owned(user_id) if one is parent]
        return db.session.scalar(select(key.column).where(db.or_(*ways)).limit(1))
    kinds: list[tuple[type, Any]] = [
        (UTCDateTime, utcnow()),
        (EncryptedJSON, {"of": MARK}),
        (Boolean, True),
        (Date, utcnow().date()),
        (JSON, [MARK]),
        (LargeBinary, MARK.encode()),
        (Integer, 1),
        (Float, 1.0),
    ]
    return next((value for kind, value in kinds if isinstance(column.type, kind)), MARK)
