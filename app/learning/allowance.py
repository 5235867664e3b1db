"""What reading may cost: so many things of each list in a calendar month (UTC).

What a page may return at most is counted before it is asked for, and corrected by its answer. A
worker that is lost in between has counted too much, never too little.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import or_, update

from app.db import db, retry_transient, rows_changed, utcnow
from app.models import ReadingList

MONTH = "%Y-%m"


@dataclass(frozen=True, slots=True)
class Reserved:
    """What was counted for one call."""

    account_id: int
    kind: str
    month: str
    count: int


def this_month() -> str:
    """Return the calendar month of now, in UTC."""
    return utcnow().strftime(MONTH)


def used_in(row: ReadingList, month: str) -> int:
    """Return what was read of a list in this month."""
    return row.used if row.month == month else 0


def reserve(account_id: int, kind: str, most: int, least: int = 1) -> Reserved | None:
    """Count up to ``most`` things before they are read; None when fewer than ``least`` are left.

    Where a list has no cap, nothing costs anything and all are granted.
    """
    while True:
        row = db.session.get(ReadingList, (account_id, kind), populate_existing=True)
        month = this_month()
        if row is None:
            db.session.commit()
            return None
        used, cap = used_in(row, month), row.cap
        db.session.commit()
        room = most if cap is None else min(most, cap - used)
        if room < least:
            return None
        if retry_transient(lambda: _count(account_id, kind, month, used, room)):  # noqa: B023
            return Reserved(account_id, kind, month, room)


def _count(account_id: int, kind: str, month: str, used: int, room: int) -> bool:
    """Count on, unless somebody else has counted since."""
    is_as_read = (
        ReadingList.used == used if used else or_(ReadingList.month != month, ReadingList.used == 0)
    )
    this = (ReadingList.account_id == account_id, ReadingList.kind == kind)
    statement = update(ReadingList).where(*this, is_as_read)
    counted = bool(rows_changed(statement.values(month=month, used=used + room)))
    db.session.commit()
    return counted


def correct(reserved: Reserved, returned: int) -> None:
    """Count what was really returned; the caller commits. After the month's end nothing changes."""
    this = (
        ReadingList.account_id == reserved.account_id,
        ReadingList.kind == reserved.kind,
        ReadingList.month == reserved.month,
    )
    used = ReadingList.used + (returned - reserved.count)
    rows_changed(update(ReadingList).where(*this).values(used=used))


def give_back(reserved: Reserved) -> None:
    """Count nothing, because the network returned nothing."""

    def work() -> None:
        correct(reserved, 0)
        db.session.commit()

    retry_transient(work)
