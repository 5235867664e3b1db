"""What operators do to the jobs of others: to some, or to all that match a filter.

The jobs are looked up once. Each is changed only if it is still as it was then: what its owner or
a worker changed meanwhile is left alone and counted. Batches are small transactions, each with its
line in the record, so an action that is broken off says truly how far it has come.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from flask import Flask, current_app
from sqlalchemy import ColumnElement, Update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from app.db import db, from_now, retry_transient, rollback_quietly, rows_changed
from app.models import Delivery, OperationsAudit, SubmitIdReused, Tweet, transitions
from app.operations import counts, lists
from app.operations.lists import Filter, Seen
from app.states import State

log = logging.getLogger(__name__)

AT_ONCE = 200
"""Jobs of one transaction."""
MOST = 100_000
"""Jobs of one action; for more, the same is done again."""
PATIENCE = 2.0
"""Seconds for which the answer waits for the end of an action."""


class Action(StrEnum):
    """What can be done."""

    RETRY = "retry"
    RESCHEDULE = "reschedule"
    CONFIRM = "confirm"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which jobs are meant: these, or those of a list that match."""

    job_ids: Sequence[str] = ()
    tab: str = ""
    wanted: Filter = lists.EVERYTHING

    def rows(self) -> list[Seen]:
        """Return them as they are now."""
        if self.tab:
            return lists.matching(self.tab, self.wanted, MOST)
        return lists.seen(self.job_ids)

    def as_stored(self) -> dict[str, Any]:
        """Return what the record says of it."""
        if self.tab:
            return {"tab": self.tab, **self.wanted.given()}
        return {"job_ids": len(self.job_ids)}


@dataclass(frozen=True, slots=True)
class Order:
    """One action: what to do to which jobs."""

    action: Action
    chosen: Chosen
    due_at: datetime
    """When jobs are due that are to be sent."""
    url: str | None = None
    """Where the post of the only job is that is marked as posted."""


@dataclass(frozen=True, slots=True)
class Preview:
    """How many jobs an action would be about, and of how many people."""

    matched: int
    people: int


def preview(chosen: Chosen) -> Preview:
    """Say what would be meant, and change nothing."""
    found = chosen.rows()
    return Preview(len(found), len({one.user_id for one in found}))


def act(order: Order, by: int, submit_id: str | None) -> int:
    """Begin an action, wait a moment for its end, and return its id in the record.

    :param by: the operator.
    :param submit_id: the same one again does nothing more, and returns the same id.
    :raises SubmitIdReused: it came with another action, or for other jobs.
    """
    if (known := _submitted(by, submit_id, order)) is not None:
        return known
    rows = order.chosen.rows()
    record = OperationsAudit(
        user_id=by,
        action=order.action,
        chosen=order.chosen.as_stored(),
        submit_id=submit_id,
        matched=len(rows),
    )
    db.session.add(record)
    try:
        db.session.commit()
    except IntegrityError:  # a double click: the other one was first
        db.session.rollback()
        if (known := _submitted(by, submit_id, order)) is not None:
            return known
        raise
    audit_id = record.id
    db.session.commit()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    running = threading.Thread(target=_run, args=(app, audit_id, order, rows), daemon=True)
    running.start()
    running.join(PATIENCE)
    counts.count_anew()
    return audit_id


def _submitted(by: int, submit_id: str | None, order: Order) -> int | None:
    mine = (OperationsAudit.user_id == by, OperationsAudit.submit_id == submit_id)
    known = db.session.scalar(db.select(OperationsAudit).where(*mine)) if submit_id else None
    if known is None:
        return None
    if (known.action, known.chosen) != (order.action, order.chosen.as_stored()):
        raise SubmitIdReused
    return known.id


def _run(app: Flask, audit_id: int, order: Order, rows: Sequence[Seen]) -> None:
    with app.app_context():
        try:
            behind = 0
            for some in (rows[at : at + AT_ONCE] for at in range(0, len(rows), AT_ONCE)):
                retry_transient(partial(_batch, audit_id, order, some, behind))
                behind += len(some)
            retry_transient(partial(_finish, audit_id))
            counts.count_anew()
        except Exception:
            rollback_quietly()
            log.exception("action %s of an operator was broken off", audit_id)


def _batch(audit_id: int, order: Order, rows: Sequence[Seen], behind: int) -> None:
    done = _changed(order, rows)
    noted = (
        db.update(OperationsAudit)
        .where(
            OperationsAudit.id == audit_id,
            # Repeated after a commit whose answer was lost, it must not count twice.
            OperationsAudit.done + OperationsAudit.skipped == behind,
        )
        .values(
            done=OperationsAudit.done + done,
            skipped=OperationsAudit.skipped + len(rows) - done,
        )
    )
    if rows_changed(noted):
        db.session.commit()
    else:
        db.session.rollback()


def _finish(audit_id: int) -> None:
    mine = db.update(OperationsAudit).where(OperationsAudit.id == audit_id)
    rows_changed(mine.values(finished_at=from_now()))
    db.session.commit()


def _changed(order: Order, rows: Sequence[Seen]) -> int:
    """Change these jobs, those that are as they were; return how many."""
    same = _unchanged(rows)
    if order.action == Action.CONFIRM:
        return _confirm(same, order.url if len(rows) == 1 else None)
    if order.action == Action.DISCARD:
        return rows_changed(transitions.cancel(same))
    revivals = [
        transitions.send_again(order.due_at, State.FAILED, same),
        transitions.reschedule(order.due_at, same),
    ]
    if order.action == Action.RETRY and order.chosen.job_ids:
        # Only whoever names it can have looked: it may be there, and would be there twice.
        revivals.append(transitions.send_again(order.due_at, State.REVIEW, same))
    return sum(_revive(order.due_at, statement) for statement in revivals)


def _unchanged(rows: Sequence[Seen]) -> ColumnElement[bool]:
    known = db.tuple_(Delivery.id, Delivery.state, Delivery.due_at, Delivery.fence)
    return known.in_([(one.id, one.state, one.due_at, one.fence) for one in rows])


def _revive(due_at: datetime, statement: Update) -> int:
    revived = list(db.session.scalars(statement.returning(Delivery.id)))
    if revived:
        mine = db.select(Delivery.tweet_id).where(Delivery.id.in_(revived))
        whole = db.select(Tweet).where(Tweet.id.in_(mine)).options(selectinload(Tweet.deliveries))
        for tweet in db.session.scalars(whole):
            tweet.be_due(due_at)
    return len(revived)


def _confirm(same: ColumnElement[bool], url: str | None) -> int:
    """Note that these are there; of a thread that is one part, and the others go out."""
    review = db.select(Delivery).where(same, Delivery.state == State.REVIEW)
    jobs = list(db.session.scalars(review.options(joinedload(Delivery.tweet))))
    threads = [one for one in jobs if one.posted or one.goes_on_after_this_part]
    done = sum(rows_changed(transitions.confirm_part(one)) for one in threads)
    whole = Delivery.id.not_in([one.id for one in threads])
    if url:
        place = db.update(Delivery).where(same, whole, Delivery.state == State.REVIEW)
        rows_changed(place.values(remote_url=url))
    return done + rows_changed(transitions.confirm(same, whole))
