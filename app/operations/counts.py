"""How many jobs are where: the strip of numbers on every tab.

Each number comes from an index that holds few rows, or is counted in the index alone. They are
kept for a moment in each process, so that many viewers cost no more than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, ScalarSelect, Select
from sqlalchemy.exc import SQLAlchemyError

from app.db import db, from_now, spare_connection
from app.models import IN_FLIGHT, RETRYING, STUCK, UNPUBLISHED, Delivery
from app.monitoring import OVERDUE
from app.operations.kept import Kept
from app.states import State

DAY = 86_400
PERIODS: Mapping[str, int | None] = {
    "published": DAY,
    "failed": DAY,
    "retrying": None,
    "scheduled": None,
    "queued": None,
    "sending": None,
    "unconfirmed": None,
    "held": None,
    "overdue": None,
}
"""The numbers of the strip, in order, and the seconds that each covers; None for now."""
MOST = 1_000_000
"""Counting ends there: whoever sees so many need not know how many more there are."""
IN_FLIGHT_INDEX, STUCK_INDEX = "deliveries_in_flight", "deliveries_stuck"
"""Indexes of few rows, which SQLite takes only when it is told: it keeps no statistics."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers at one moment; ``numbers`` is None when the database did not say."""

    numbers: Mapping[str, int] | None = None
    as_of: datetime | None = None
    at_least: frozenset[str] = frozenset()
    """The numbers that end at ``MOST``: there may be more."""


def counts() -> Counts:
    """Return the numbers, at most a moment old."""
    return _kept().get(_count)


def count_anew() -> None:
    """Let the next question count again: something has just been changed here."""
    _kept().forget()


def _kept() -> Kept[Counts]:
    kept: Kept[Counts] = current_app.extensions.setdefault("operations_counts", Kept())
    return kept


def _count() -> Counts:
    try:
        with spare_connection() as connection:
            row = connection.execute(_statement()).one()._asdict()
    except SQLAlchemyError:
        return Counts()
    made_of = {"published": "finished", "scheduled": "awake"}
    ended = {name for name in PERIODS if row.get(made_of.get(name, name), 0) >= MOST}
    return Counts(_numbers(row), row["as_of"], frozenset(ended))


def _numbers(row: Mapping[str, int]) -> dict[str, int]:
    """Return the numbers, from those that can be counted without reading each row."""
    published = row["finished"] - row["failed"] - row["cancelled"]
    scheduled = row["awake"] - row["sending"] - row["unconfirmed"] - row["retrying"]
    found = {**row, "published": published, "scheduled": scheduled}
    found["overdue"] = row["overdue"] + row["overdue_and_told"]
    return {name: max(0, found[name]) for name in PERIODS}


def _statement() -> Select[Any]:
    since = from_now(-DAY)
    late = from_now(-OVERDUE)
    is_scheduled = Delivery.state == State.SCHEDULED
    return db.select(
        from_now().label("as_of"),
        _number("finished", Delivery.finished_at >= since),
        _number("failed", *_ended(State.FAILED, since)),
        _number("cancelled", *_ended(State.CANCELLED, since)),
        _number("awake", Delivery.next_at.is_not(None)),
        _number("retrying", RETRYING),
        _in_flight("queued", is_scheduled),
        _in_flight("sending", Delivery.state.in_((State.CLAIMED, State.SENDING))),
        _in_flight("unconfirmed", Delivery.state == State.UNCONFIRMED),
        number_of(STUCK, most=MOST, index=STUCK_INDEX).label("held"),
        _number("overdue", Delivery.next_at <= late, is_scheduled),
        # Workers were told of these, so they are looked at later than they are due.
        _in_flight(
            "overdue_and_told", Delivery.next_at > late, Delivery.not_before <= late, is_scheduled
        ),
    )


def _ended(state: State, since: Any) -> tuple[Any, ...]:
    return (UNPUBLISHED, Delivery.state == state, Delivery.finished_at >= since)


def _number(name: str, *conditions: Any) -> Any:
    return number_of(*conditions, most=MOST).label(name)


def _in_flight(name: str, *conditions: Any) -> Any:
    return number_of(IN_FLIGHT, *conditions, most=MOST, index=IN_FLIGHT_INDEX).label(name)


def number_of(
    *conditions: ColumnElement[bool] | Any, most: int, index: str | None = None
) -> ScalarSelect[int]:
    """Return how many deliveries meet these conditions, counting to ``most``.

    :param index: the one that SQLite is told to use.
    """
    some = db.select(db.literal_column("1")).select_from(Delivery).where(*conditions).limit(most)
    rows = by_index(some, index).subquery()
    return db.select(db.func.count()).select_from(rows).scalar_subquery()


def by_index(some: Select[Any], index: str | None) -> Select[Any]:
    """Let SQLite find these deliveries by this index; PostgreSQL chooses for itself."""
    return some.with_hint(Delivery, f"INDEXED BY {index}", "sqlite") if index else some
