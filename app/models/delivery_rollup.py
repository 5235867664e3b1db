"""What became of deliveries, added up by hour, day and month: what is left when they are deleted.

A worker adds up the hours that may still change, and makes days of hours and months of days. What
ended since then is counted when somebody looks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Select,
    String,
    bindparam,
    case,
    cast,
    delete,
    func,
    literal_column,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import EPOCH, UTCDateTime, database_now, db, rows_changed
from app.models.account import Account
from app.models.delivery import Delivery
from app.models.histogram import Histogram, range_of
from app.states import State

HOUR_MS = 3_600_000
SETTLING = timedelta(seconds=5)
"""How long a commit may take: what ended that lately is left for the next run."""
SLACK = timedelta(minutes=10)
"""An hour is added up again until it has been over for so long."""
FINAL = timedelta(days=1)
"""What was counted so long ago is not counted again: its rows may have been deleted since."""
EVERYTHING = 2**31 - 1


class Period(StrEnum):
    """What is added up; days and months are those of UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    def start(self, moment: datetime) -> datetime:
        """Return when the period began that a moment is in."""
        hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        if self == Period.HOUR:
            return hour
        return hour.replace(hour=0, day=1 if self == Period.MONTH else hour.day)

    def next(self, start: datetime) -> datetime:
        """Return when the period after the one that began then begins."""
        if self == Period.MONTH:
            return self.start(start + timedelta(days=31))
        return start + (timedelta(hours=1) if self == Period.HOUR else timedelta(days=1))


KEPT = {Period.HOUR: timedelta(days=7), Period.DAY: timedelta(days=62)}
"""How long rows are kept; months are kept for ever."""


@dataclass
class Totals:
    """What became of some deliveries."""

    lateness: Histogram = field(default_factory=Histogram)
    """Of the published ones: from the wanted time to the network's acceptance."""
    answers: Histogram = field(default_factory=Histogram)
    """Of those published at the first try: how long the network took to accept."""
    errors: Counter[str] = field(default_factory=Counter)
    """How many failed, by reason; "" for none."""
    published: int = 0

    @property
    def failed(self) -> int:
        """How many failed."""
        return self.errors.total()

    def merge(self, other: Totals) -> None:
        """Add others to these."""
        self.published += other.published
        self.lateness.merge(other.lateness)
        self.answers.merge(other.answers)
        self.errors.update(other.errors)


class DeliveryRollup(db.Model):  # type: ignore[name-defined,misc]
    """The deliveries to one network that ended in one period."""

    __tablename__ = "delivery_rollups"

    period: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, primary_key=True)
    """When the period began."""
    network: Mapped[str] = mapped_column(primary_key=True)
    published: Mapped[int]
    lateness: Mapped[dict[str, Any]] = mapped_column(JSON)
    answers: Mapped[dict[str, Any]] = mapped_column(JSON)
    errors: Mapped[dict[str, int]] = mapped_column(JSON)
    counted_to: Mapped[datetime] = mapped_column(UTCDateTime)
    """What ended later is not in it."""


ByPeriod = dict[tuple[datetime, str], Totals]
"""Totals by the beginning of a period and the network."""


def counted_to() -> Select[Any]:
    """Return the query for the moment up to which everything is added up; null for nothing yet."""
    return select(func.max(DeliveryRollup.counted_to))


def of_periods(
    connection: Connection, period: Period, since: datetime, until: datetime
) -> ByPeriod:
    """Return what was added up for the periods that began in a time."""
    row = DeliveryRollup.__table__.c
    wanted = select(row.at, row.network, row.published, row.lateness, row.answers, row.errors)
    found = wanted.where(row.period == period, row.at >= since, row.at < until)
    return {
        (at, network): Totals(
            Histogram.from_stored(lateness),
            Histogram.from_stored(answers),
            Counter(errors),
            published,
        )
        for at, network, published, lateness, answers, errors in connection.execute(found)
    }


def count(
    connection: Connection, since: datetime, until: datetime, most: int = EVERYTHING
) -> tuple[ByPeriod, bool]:
    """Count what ended in a time, by hour and network, newest first.

    :param most: so many rows are looked at.
    :return: the totals, and whether that was everything.
    """
    values = {"since": since, "until": until, "most": most}
    found: ByPeriod = {}
    seen = 0
    for hour, network, what, which, number, longest in connection.execute(_counting(), values):
        totals = found.setdefault((EPOCH + timedelta(hours=hour), network), Totals())
        seen += number if what == "ended" else 0
        if what == "ended" and which is None:
            totals.published += number
        elif what == "ended":
            totals.errors[which] += number
        elif which is not None:
            durations = totals.lateness if what == "late" else totals.answers
            durations.add(int(which), number, longest)
    return found, seen < most


@cache
def _counting() -> Select[Any] | Any:
    """Return the query: a row for each hour, network, and reason or range of durations."""
    finished, due, accepted, sent = (
        type_coerce(column, BigInteger)
        for column in (
            Delivery.finished_at,
            Delivery.due_at,
            Delivery.accepted_at,
            Delivery.first_sent_at,
        )
    )
    # No join: of very many accounts only those are looked up that are needed.
    network = select(Account.network).where(Account.id == Delivery.account_id).scalar_subquery()
    is_published = Delivery.state == State.PUBLISHED
    ended = (
        select(
            (finished // HOUR_MS).label("hour"),
            network.label("network"),
            case((~is_published, func.coalesce(Delivery.error_code, ""))).label("reason"),
            case((is_published, accepted - due)).label("late"),
            case((is_published & (Delivery.attempts == 1), accepted - sent)).label("took"),
        )
        .where(
            Delivery.finished_at >= bindparam("since", type_=UTCDateTime),
            Delivery.finished_at < bindparam("until", type_=UTCDateTime),
            Delivery.state.in_((State.PUBLISHED, State.FAILED)),
        )
        .order_by(Delivery.finished_at.desc())
        .limit(bindparam("most"))
        .cte("ended")
    ).c
    return union_all(
        _grouped(ended, "ended", ended.reason, literal_column("0")),
        _grouped(ended, "late", range_of(ended.late), ended.late),
        _grouped(ended, "took", range_of(ended.took), ended.took),
    )


def _grouped(ended: Any, what: str, which: Any, measured: Any) -> Select[Any]:
    named = cast(which, String).label("which")
    longest = cast(func.max(measured), BigInteger)
    label = literal_column(f"'{what}'", String).label("what")
    grouped = select(ended.hour, ended.network, label, named, func.count(), longest)
    return grouped.group_by(ended.hour, ended.network, named)


def roll_up(between: Callable[[], object]) -> int:
    """Add up what has ended since the last time; return how many hours were counted. Commits.

    Repeatable: each hour that may have changed is counted anew.

    :param between: called after each day.
    """
    cut = database_now() - SETTLING
    hours = 0
    for since, until in _days(cut):
        for start, end in _hours(since, until):
            counted, _all = count(db.session.connection(), start, end)
            _store(Period.HOUR, start, end, counted)
            hours += 1
        _add_up(Period.HOUR, Period.DAY, since, until)
        _add_up(Period.DAY, Period.MONTH, since, until)
        db.session.commit()
        between()
    _forget(cut)
    return hours


def _days(cut: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Return what is to be counted in pieces that end with a day; days of nothing are left out."""
    known = db.session.scalar(counted_to())
    if known is None:
        since = _first_ended(EPOCH)
    else:
        since = known if known < cut - FINAL else known - SLACK
    while since is not None and since < cut:
        since = Period.HOUR.start(since)
        until = min(cut, Period.DAY.next(Period.DAY.start(since)))
        yield since, until
        since = _first_ended(until)


def _hours(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Return a time in pieces of an hour: a day of very many rows may take too long at once."""
    while since < until:
        end = min(until, Period.HOUR.next(since))
        yield since, end
        since = end


def _first_ended(since: datetime) -> datetime | None:
    return db.session.scalar(
        select(func.min(Delivery.finished_at)).where(Delivery.finished_at >= since)
    )


def _add_up(parts: Period, whole: Period, since: datetime, until: datetime) -> None:
    """Make the whole that a time is in of its parts."""
    start = whole.start(since)
    found: ByPeriod = {}
    rows = of_periods(db.session.connection(), parts, start, whole.next(start))
    for (_at, network), totals in rows.items():
        found.setdefault((start, network), Totals()).merge(totals)
    _store(whole, start, until, found)


def _store(period: Period, since: datetime, until: datetime, found: ByPeriod) -> None:
    """Write rows of a time; those in which nothing is any more stay, with zeros."""
    known = {
        (row.at, row.network): row
        for row in db.session.scalars(
            select(DeliveryRollup).where(
                DeliveryRollup.period == period,
                DeliveryRollup.at >= since,
                DeliveryRollup.at < until,
            )
        )
    }
    for key in known.keys() | found.keys():
        totals = found.get(key, Totals())
        row = known.get(key) or DeliveryRollup(period=period, at=key[0], network=key[1])
        row.published = totals.published
        row.lateness, row.answers = totals.lateness.stored(), totals.answers.stored()
        row.errors, row.counted_to = dict(totals.errors), until
        db.session.add(row)
    db.session.flush()


def _forget(now: datetime) -> None:
    for period, kept in KEPT.items():
        old = (DeliveryRollup.period == period, DeliveryRollup.at < now - kept)
        rows_changed(delete(DeliveryRollup).where(*old))
    db.session.commit()
