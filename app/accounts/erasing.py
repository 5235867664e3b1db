"""Deletes everything of somebody whose time is over: access, pictures, rows. May be repeated.

A worker may be killed at any point: the next run goes on, because each step finds what is left by
itself. Networks and the storage are asked outside of transactions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, select, tuple_

from app import pictures
from app.accounts import disconnections, pending
from app.accounts.closing import IMPORT
from app.accounts.transactions import change, rows_of, value_of
from app.db import db, from_now, rows_changed
from app.models import (
    Account,
    BackgroundTask,
    Delivery,
    Pause,
    PendingConnection,
    User,
)
from app.networks import http
from app.states import State

log = logging.getLogger(__name__)

REVOKE_FOR = 86_400.0
"""Seconds for which a network that cannot be reached is asked again to end our access."""
AT_A_TIME = 1_000
"""Rows of one transaction."""
MAX_PEOPLE = 20
"""People of one run."""


def closed() -> list[int]:
    """Return people whose time is over, the longest first."""
    over = select(User.id).where(User.delete_at.is_not(None), User.delete_at <= from_now())
    return [row.id for row in rows_of(over.order_by(User.delete_at).limit(MAX_PEOPLE))]


def erase(user_id: int, go_on: Callable[[], None]) -> bool:
    """Delete somebody as far as possible; False when something is left for the next run.

    :param go_on: called between steps; what it raises ends the run.
    """
    for step in (_nothing_is_sent, _revoked, pictures.forget_all):
        go_on()
        if not step(user_id):
            return False
    _delete_what_names_them(user_id)
    for table, is_theirs in owned(user_id):
        while _delete_some(table, is_theirs) == AT_A_TIME:
            go_on()
    rows_changed(delete(User).where(User.id == user_id))
    db.session.commit()
    log.info("user %s is deleted, with everything", user_id)
    return True


def _nothing_is_sent(user_id: int) -> bool:
    """Return whether no call is under way for them, and nobody waits for a pause that they made."""
    mine = select(Account.id).where(Account.user_id == user_id)
    busy = (State.CLAIMED, State.SENDING)
    running = select(Delivery.id).where(
        Delivery.account_id.in_(mine), Delivery.state.in_(busy), Delivery.lease_until > from_now()
    )
    pauses = select(Pause.id).where(Pause.user_id == user_id, Pause.settled_at.is_(None))
    return value_of(running.limit(1)) is None and value_of(pauses.limit(1)) is None


def _revoked(user_id: int) -> bool:
    """End our access at every network; True also when one has not answered for too long."""
    waiting = select(PendingConnection.id).where(PendingConnection.user_id == user_id)
    for row in rows_of(waiting):
        pending.refuse(row.id)
    accounts = rows_of(select(Account.id).where(Account.user_id == user_id).order_by(Account.id))
    left = [row.id for row in accounts if not _revoke(row.id)]
    since = select(User.id).where(User.id == user_id, User.delete_at < from_now(-REVOKE_FOR))
    return not left or value_of(since) is not None


def _revoke(account_id: int) -> bool:
    """End an access at its network, and forget it; False when the network did not take that."""
    began = http.boottime()
    account = db.session.get_one(Account, account_id, populate_existing=True)
    name, version, credentials = account.network, account.credentials_version, account.credentials
    profile = disconnections.profile_of(account)
    db.session.commit()
    if not credentials:
        return True
    try:
        is_over = disconnections.revoke(name, profile, credentials, began)
    except Exception as error:
        log.warning("%s did not end an access: %s", name, type(error).__name__)
        is_over = False
    if not is_over:
        return False
    same = (Account.id == account_id, Account.credentials_version == version)
    return change(Account, *same, credentials={}, credentials_version=version + 1)


def _delete_what_names_them(user_id: int) -> None:
    """Delete rows that name somebody's accounts without a foreign key."""
    accounts = rows_of(select(Account.id).where(Account.user_id == user_id))
    names = [str(row.id) for row in accounts]
    reading = and_(BackgroundTask.kind == IMPORT, BackgroundTask.subject.in_(names))
    rows_changed(delete(BackgroundTask).where(reading))
    rows_changed(delete(Pause).where(Pause.scope == "account", Pause.value.in_(names)))
    db.session.commit()


def owned(user_id: int) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Return each way in which a row belongs to somebody, rows that others point to last.

    It follows the foreign keys, so a new table is deleted from without a word here.
    """
    for table in reversed(db.metadata.sorted_tables):
        if table is not User.__table__:
            for condition in _ways(table, user_id, {table.name}):
                yield table, condition


def _ways(table: Table, user_id: int, seen: set[str]) -> Iterator[ColumnElement[bool]]:
    for key in sorted(table.foreign_keys, key=lambda one: one.parent.name):
        parent = key.column.table
        if parent is User.__table__:
            yield key.parent == user_id
        elif parent.name not in seen:
            for condition in _ways(parent, user_id, seen | {parent.name}):
                yield key.parent.in_(select(key.column).where(condition))


def _delete_some(table: Table, is_theirs: ColumnElement[bool]) -> int:
    """Delete rows of one table, and commit; return how many there were."""
    columns: Sequence[Any] = list(table.primary_key)
    some = select(*columns).where(is_theirs).limit(AT_A_TIME)
    key = columns[0] if len(columns) == 1 else tuple_(*columns)
    count = rows_changed(delete(table).where(key.in_(some)))
    db.session.commit()
    return count
