"""What needs a worker, and when: from the rows, which are the truth.

The next wake-up of every row that has one is in an index, so this is known long before anything
waits in a queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import (
    Connection,
    ScalarSelect,
    Select,
    and_,
    exists,
    literal,
    text,
    true,
)

from app.db import db, from_now
from app.kinds import QUEUES, kinds_of
from app.models import (
    HELD,
    IN_FLIGHT,
    Account,
    BackgroundTask,
    Delivery,
    Mail,
    NetworkBlock,
    Notice,
    Pause,
    Picture,
    PushMessage,
    TaskState,
    Worker,
    access_check,
    notice,
    pause,
)
from app.states import HoldReason, State

FRESH_SECONDS = 30.0
"""Seconds since its last heartbeat for which a worker counts as living."""
UPKEEP_WAITS = timedelta(days=1)
"""For so long, work at intervals that is for the whole site waits for a worker that something else
needs."""
SELDOM = timedelta(seconds=access_check.SELDOM_SECONDS)
CHECKS_LOOKED_AT = 20
"""Of the next tweets whose accounts are to be checked: one that was checked just now waits, another
one may not."""
TO_MAKE = text("pictures.state = 'processing'")
"""As the index of pictures that are not made yet says it."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What the rows ask for at one moment of the database's clock."""

    now: datetime
    next_wake_up: datetime | None
    """When the next row needs a worker, or has needed it since; None for never."""
    under_way: bool = False
    """Something is being published, looked up or made, or workers were told to."""
    rows: int = 0
    """Deliveries that are due, will be soon, or are under way; counting ends early."""
    has_workers: bool = False
    """A worker has a fresh heartbeat."""

    def is_due_within(self, seconds: float) -> bool:
        """Whether a worker is needed at that time from now."""
        ahead = timedelta(seconds=seconds)
        return self.next_wake_up is not None and self.next_wake_up <= self.now + ahead


def demand(lead: float, most: int) -> Demand:
    """Return what is needed now.

    :param lead: seconds before its time from which a row counts as due.
    :param most: where counting rows may end.
    """
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return demand_on(connection, lead, most)


def demand_on(connection: Connection, lead: float, most: int) -> Demand:
    """``demand``, asked on a connection of the caller's."""
    paused = pause.queues_in(connection.execute(pause.lasting()).all())
    row = connection.execute(_statement(lead, most, paused)).one()
    known = _of_row(row._asdict())
    if known.under_way or known.is_due_within(lead) or "maintenance" in paused:
        return known  # checks are looked for where no worker is needed for anything else
    moments = [known.next_wake_up, *_checks(connection)]
    return replace(known, next_wake_up=min((one for one in moments if one), default=None))


def _checks(connection: Connection) -> Iterator[datetime]:
    """Return when accounts are to be checked before their next tweets are due."""
    for begins, ends in access_check.times(current_app.config["WARN_BEFORE"]):
        for row in connection.execute(_first_to_check(begins, ends)):
            near_at = row.next_at - timedelta(seconds=begins)
            yield max(near_at, row.access_checked_at + SELDOM) if row.access_checked_at else near_at


@cache
def _first_to_check(begins: float, ends: float) -> Select[Any]:
    # What was written about then or later is checked if a worker is there, and starts none.
    columns = (Delivery.next_at, Account.access_checked_at)
    first = access_check.wanted(columns, begins, ends, written_later=-60)
    return first.order_by(Delivery.next_at).limit(CHECKS_LOOKED_AT)


def _of_row(row: Mapping[str, Any]) -> Demand:
    upkeep = [row["upkeep"], row["pictures_kept"]]
    moments = [
        *(row[name] for name in ("deliveries", "tasks", "pictures", "probes", "resumed")),
        *(row[name] for name in ("mails", "told", "digests", "pushes")),
    ]
    moments += [moment + UPKEEP_WAITS for moment in upkeep if moment is not None]
    known = [moment for moment in moments if moment is not None]
    is_making = row["pictures"] is not None
    return Demand(
        now=row["now"],
        next_wake_up=min(known, default=None),
        under_way=bool(row["in_flight"] or row["tasks_running"] or is_making),
        rows=row["waiting"] + row["in_flight"],
        has_workers=bool(row["has_workers"]),
    )


@cache
def _statement(lead: float, most: int, paused: frozenset[str]) -> Select[Any]:
    """Return the query: one row, each of its columns one look into an index of few rows.

    :param paused: queues from which workers take nothing. What is due in ``publish`` is held then,
        which takes a worker, too.
    """
    due_soon = Delivery.next_at <= from_now(lead)
    is_moving = true() if "lookup" not in paused else Delivery.state != State.UNCONFIRMED
    to_make = (TO_MAKE, literal("pictures" not in paused))
    is_waiting = (Delivery.state == State.SCHEDULED, Delivery.next_at <= Delivery.not_before)
    # Nobody does what is paused, or what an older release has left behind.
    is_known = BackgroundTask.kind.in_(kinds_of(frozenset(QUEUES) - paused))
    can_wait = BackgroundTask.every_s.is_not(None) & (BackgroundTask.subject == "")
    is_prompt, is_upkeep = and_(is_known, ~can_wait), and_(is_known, can_wait)
    running = (BackgroundTask.state == TaskState.RUNNING, BackgroundTask.next_at.is_not(None))
    held = db.select(db.literal_column("1")).select_from(Delivery)
    held = held.where(HELD, Delivery.hold_reason == HoldReason.NETWORK)
    return db.select(
        from_now().label("now"),
        _first(Delivery.next_at, is_moving).label("deliveries"),
        _number(due_soon, *is_waiting, most=most).label("waiting"),
        _number(IN_FLIGHT, is_moving, most=most, index="deliveries_in_flight").label("in_flight"),
        _first(BackgroundTask.next_at, is_prompt).label("tasks"),
        _first(BackgroundTask.next_at, is_upkeep).label("upkeep"),
        exists().where(*running, is_prompt).label("tasks_running"),
        _first(Picture.next_at, *to_make, index="pictures_to_make").label("pictures"),
        _first(Picture.next_at).label("pictures_kept"),
        _first(Mail.next_at, literal("mail" not in paused)).label("mails"),
        _first(PushMessage.next_at, literal("mail" not in paused)).label("pushes"),
        _first(Notice.mail_at, literal("maintenance" not in paused)).label("told"),
        _first(notice.NoticeSettings.digest_at, literal("maintenance" not in paused)).label(
            "digests"
        ),
        # Only a probe finds out that what a network refused may go out again.
        _first(NetworkBlock.probe_at, NetworkBlock.holds, exists(held)).label("probes"),
        _first(Pause.ended_at, pause.UNSETTLED).label("resumed"),
        exists().where(Worker.seen_at >= from_now(-FRESH_SECONDS)).label("has_workers"),
    )


def _first(column: Any, *where: Any, index: str | None = None) -> ScalarSelect[datetime]:
    """Return the first moment of a column. SQLite can be told by which index to find it."""
    found = db.select(db.func.min(column)).where(column.is_not(None), *where)
    return _by_index(found, column.class_, index).scalar_subquery()


def _number(*where: Any, most: int, index: str | None = None) -> ScalarSelect[int]:
    """Count deliveries up to ``most``, in the order of the index: PostgreSQL cannot know how few
    there are, and without an order it expects to meet some soon.
    """
    some = db.select(db.literal_column("1")).select_from(Delivery).where(*where)
    some = some.order_by(Delivery.next_at).limit(most)
    rows = _by_index(some, Delivery, index).subquery()
    return db.select(db.func.count()).select_from(rows).scalar_subquery()


def _by_index(found: Select[Any], model: Any, index: str | None) -> Select[Any]:
    return found.with_hint(model, f"INDEXED BY {index}", "sqlite") if index else found
