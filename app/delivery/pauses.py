"""Pauses: no create call of their scope begins, and what becomes due is held until they end.

A lasting pause is a condition of every claim and of every intent, so it counts from its commit on.
What was claimed before may begin for START_DEADLINE seconds at most; ``begin`` waits for that.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache, partial
from typing import Any

from flask import current_app
from sqlalchemy import BigInteger, Row, Update, text
from sqlalchemy.exc import IntegrityError

from app.db import BuiltStatement, db, from_now, id_in, read, retry_transient, rows_changed
from app.models import (
    HELD,
    IN_FLIGHT,
    Account,
    Delivery,
    OperationsAudit,
    Pause,
    Tweet,
    pause,
    transitions,
)
from app.networks import http
from app.states import HoldReason, State

UNDO_SECONDS = 10
AT_ONCE = 1000
"""Deliveries of one transaction."""
LOOK_AGAIN = 0.05
_HELD = (HELD, Delivery.hold_reason == HoldReason.PAUSED)
_WRITERS = db.select(db.literal_column("virtualtransaction").label("writer")).where(
    text("mode = 'RowExclusiveLock' AND relation = 'deliveries'::regclass"),
    text("database = (SELECT oid FROM pg_database WHERE datname = current_database())"),
)


def begin(scope: pause.Scope, value: str, user_id: int) -> tuple[int, bool]:
    """Store a pause, or find the one that lasts; return its id, and whether it is new.

    After that no create call of its scope begins. It waits for those that are about to begin, so
    it may take START_DEADLINE seconds; usually it takes a moment.

    :param value: the network, the queue, or the account's id; empty for everything.
    :param user_id: the operator.
    """
    pause_id, is_new = retry_transient(partial(store, scope, value, user_id))
    _wait_until_none_begins(pause_id)
    if is_new:
        mine = (Pause.id == pause_id, Pause.ended_at.is_(None))
        undone = db.update(Pause).where(*mine).values(undo_until=from_now(UNDO_SECONDS))
        retry_transient(partial(_run, undone))
    return pause_id, is_new


def store(scope: pause.Scope, value: str, user_id: int) -> tuple[int, bool]:
    """Store a pause as ``begin`` does, and do not wait for what was claimed before."""
    lasting = db.select(Pause.id).where(
        Pause.scope == scope, Pause.value == value, Pause.ended_at.is_(None)
    )
    while True:
        known = db.session.scalar(lasting)
        if known is not None:
            db.session.commit()
            return known, False
        new = Pause(scope=scope, value=value, user_id=user_id)
        new.at, new.undo_until = from_now(), from_now(UNDO_SECONDS)
        db.session.add(new)
        try:
            db.session.flush()
            pause_id = new.id
            db.session.commit()
        except IntegrityError:  # a double click: the other one was first, or has ended since
            db.session.rollback()
            continue
        return pause_id, True


def _wait_until_none_begins(pause_id: int) -> None:
    """Wait for claims that did not see the pause, and for the calls that they lead to."""
    ends = http.boottime() + current_app.config["START_DEADLINE"]
    older = _writers()
    while http.boottime() < ends:
        older &= _writers()
        if not older and not _is_any_sending(pause_id):
            return
        time.sleep(LOOK_AGAIN)


def _writers() -> set[str]:
    """Return the transactions that change deliveries now. SQLite has one at a time, and waits.

    They lock the table before they look at rows, so one that began later sees what is committed.
    """
    if db.engine.dialect.name != "postgresql":
        return set()
    return {row.writer for row in read(_WRITERS.select_from(text("pg_locks")), {})}


def _is_any_sending(pause_id: int) -> bool:
    sending = (
        db.select(Delivery.id)
        .join(Account, Account.id == Delivery.account_id)
        .join(Pause, Pause.id == pause_id)
        .where(IN_FLIGHT, Delivery.state == State.SENDING, Delivery.lease_until > from_now())
        .where(pause.holds_posts_of())
        .order_by(Delivery.next_at)
    )
    return bool(read(sending.limit(1), {}))


def end(pause_id: int, then: pause.Then, audit_id: int | None = None) -> bool:
    """End a pause; ``settle`` then does what was chosen. The caller commits.

    :param audit_id: the record that counts the deliveries.
    :returns: False when it has ended, or when it is too late to undo it.
    """
    mine = [Pause.id == pause_id, Pause.ended_at.is_(None)]
    if then == pause.Then.UNDO:
        mine.append(Pause.undo_until > from_now())
    ended = {"ended_at": from_now(), "then": then, "audit_id": audit_id}
    return bool(rows_changed(db.update(Pause).where(*mine).values(ended)))


def settle() -> bool:
    """Do to some of what an ended pause held what was chosen; False when all of it is done."""
    found = _next_ended().read({})
    for row in found:
        retry_transient(partial(_settle, row))
    return bool(found)


@cache
def _next_ended() -> BuiltStatement:
    """Return the query for a pause that has ended and is not settled."""
    moments = [db.type_coerce(moment, BigInteger) for moment in (Pause.ended_at, Pause.at)]
    ended = (pause.UNSETTLED, Pause.ended_at.is_not(None))
    facts = (Pause.id, Pause.then, Pause.audit_id, (moments[0] - moments[1]).label("lasted_ms"))
    return BuiltStatement(db.select(*facts).where(*ended).order_by(Pause.id).limit(1))


def _settle(ended: Row[Any]) -> None:
    job_ids = held_by(ended.id, AT_ONCE)
    done = _change(ended, job_ids) if job_ids else 0
    record = db.update(OperationsAudit).where(OperationsAudit.id == ended.audit_id)
    if job_ids:
        rows_changed(record.values(done=OperationsAudit.done + done))
    else:
        rows_changed(record.values(matched=OperationsAudit.done, finished_at=from_now()))
        still = (Pause.id == ended.id, Pause.settled_at.is_(None))
        rows_changed(db.update(Pause).where(*still).values(settled_at=from_now()))
    db.session.commit()


def _change(ended: Row[Any], job_ids: Sequence[str]) -> int:
    """Do what was chosen to those of these that are still held; return how many."""
    held = (*_HELD, id_in(Delivery.id, job_ids))
    if ended.then == pause.Then.DISCARD:
        return rows_changed(transitions.cancel(*held))
    if ended.then == pause.Then.SHIFT:
        return _shift(transitions.shift(ended.lasted_ms, *held))
    return rows_changed(transitions.release(*held))


def _shift(statement: Update) -> int:
    moved = db.session.execute(statement.returning(Delivery.tweet_id, Delivery.due_at)).all()
    due = {row.tweet_id: row.due_at for row in sorted(moved, key=lambda row: row.due_at)}
    for tweet in db.session.scalars(db.select(Tweet).where(Tweet.id.in_(due))):
        tweet.be_due(due[tweet.id])
    return len(moved)


def held_by(pause_id: int, most: int) -> Sequence[str]:
    """Return the ids of deliveries that go on when this pause ends, at most so many."""
    accounts = (
        db.select(Account.id)
        .join(Pause, Pause.id == pause_id)
        .where(pause.holds_posts_of(), ~pause.is_paused_by_another_than(pause_id))
    )
    found = db.select(Delivery.id).where(*_HELD, Delivery.account_id.in_(accounts)).limit(most)
    return db.session.scalars(found).all()


def _run(statement: Update) -> int:
    changed = rows_changed(statement)
    db.session.commit()
    return changed
