"""The lists of jobs by where they are, in pages, each page from an index.

A filter that no index knows (words, networks, reasons) is applied to a window of rows in the
order of the list; the cursor of a page goes on behind that window, so nothing is read without end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, Subquery, and_, or_
from sqlalchemy.orm import joinedload

from app.db import EPOCH, db
from app.models import IN_FLIGHT, RETRYING, STUCK, UNPUBLISHED, Account, Delivery, Tweet, User
from app.operations.counts import IN_FLIGHT_INDEX, STUCK_INDEX, by_index, number_of
from app.states import State

PAGE = 50
WINDOW = 4_000
"""Rows that one question with a filter looks at."""
COUNTED = 10_000
"""Matches are counted up to so many."""
MAX_ACCOUNTS = 500
"""Accounts with the same handle."""
TIMEOUTS = {"statement_timeout": 1500, "lock_timeout": 300}
"""Milliseconds for each question of a page; then it says that nobody can say."""
_CURSOR = re.compile(r"(-?[0-9]{1,16})~([0-9A-Za-z-]{1,64})")


class UnknownCursor(ValueError):
    """It is no cursor of a list."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Which rows a list has, and in which order."""

    where: tuple[Any, ...]
    key: Any
    newest_first: bool = False
    index: str | None = None
    """The one that SQLite is told to use."""


LISTINGS: Mapping[str, Listing] = {
    "sending": Listing(
        (IN_FLIGHT, Delivery.state.in_((State.CLAIMED, State.SENDING))),
        Delivery.next_at,
        index=IN_FLIGHT_INDEX,
    ),
    "scheduled": Listing(
        (
            Delivery.next_at.is_not(None),
            Delivery.state == State.SCHEDULED,
            Delivery.attempts == 0,
            Delivery.not_before <= Delivery.due_at,
        ),
        Delivery.next_at,
    ),
    "retries": Listing((RETRYING,), Delivery.next_at),
    "failed": Listing(
        (UNPUBLISHED, Delivery.state == State.FAILED), Delivery.finished_at, newest_first=True
    ),
    "unconfirmed": Listing(
        (IN_FLIGHT, Delivery.state == State.UNCONFIRMED), Delivery.next_at, index=IN_FLIGHT_INDEX
    ),
    "held": Listing((STUCK,), Delivery.due_at, index=STUCK_INDEX),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a viewer looks for; what is empty limits nothing."""

    text: str = ""
    handle: str = ""
    network: str = ""
    reason: str = ""
    job_id: str = ""

    def given(self) -> dict[str, str]:
        """Return what is not empty."""
        names = ("text", "handle", "network", "reason", "job_id")
        return {name: value for name in names if (value := getattr(self, name))}

    @property
    def reads_rows(self) -> bool:
        """Whether rows must be read to know which ones are meant."""
        return bool(self.text or self.network or self.reason)


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs of a list; ``next`` is the cursor of the jobs behind them."""

    jobs: Sequence[Delivery]
    total: int
    is_counted: bool
    """False when there are more than ``total``."""
    next: str | None


def page(tab: str, wanted: Filter, before: str | None = None) -> Page:
    """Return a page of a list.

    :param before: the cursor that the page before gave.
    :raises UnknownCursor: it is none.
    """
    _have_little_time()
    listing = LISTINGS[tab]
    conditions = [*listing.where, *_quick(wanted)]
    behind = [*conditions, *_behind(listing, before)]
    window = WINDOW if wanted.reads_rows else PAGE + 1
    found = db.session.execute(_matching(listing, behind, wanted, window, PAGE + 1)).all()
    following = _cursor(*found[PAGE - 1]) if len(found) > PAGE else None
    if following is None and wanted.reads_rows:
        following = _end_of_window(listing, behind)
    total, is_counted = _total(listing, conditions, wanted)
    return Page(_loaded([row.id for row in found[:PAGE]]), total, is_counted, following)


def _have_little_time() -> None:
    """Let PostgreSQL say soon that it cannot answer; SQLite's readers wait for nobody."""
    if db.engine.dialect.name == "postgresql":
        for limit, milliseconds in TIMEOUTS.items():
            db.session.execute(db.text(f"SET LOCAL {limit} = {milliseconds}"))


class Seen(NamedTuple):
    """A job as it was when an operator chose it, and whose it is."""

    id: str
    state: str
    due_at: datetime
    fence: int
    user_id: int


def matching(tab: str, wanted: Filter, most: int) -> list[Seen]:
    """Return the first jobs of a list that match, however many are not shown."""
    listing = LISTINGS[tab]
    conditions = [*listing.where, *_quick(wanted)]
    ids = _matching(listing, conditions, wanted, None, most).subquery()
    return _seen(db.select(ids.c.id))


def seen(job_ids: Sequence[str]) -> list[Seen]:
    """Return these jobs; unknown ids are left out."""
    return _seen({job_id for job_id in job_ids if job_id.isprintable()})


def _seen(job_ids: Any) -> list[Seen]:
    rows = (
        db.select(Delivery.id, Delivery.state, Delivery.due_at, Delivery.fence, Tweet.user_id)
        .join(Tweet, Tweet.id == Delivery.tweet_id)
        .where(Delivery.id.in_(job_ids))
    )
    return [Seen(*row) for row in db.session.execute(rows)]


def _quick(wanted: Filter) -> list[Any]:
    """Return the conditions that an index answers."""
    conditions: list[Any] = []
    if wanted.job_id:
        conditions.append(Delivery.id == wanted.job_id.strip())
    if wanted.handle:
        conditions.append(Delivery.account_id.in_(_accounts_called(wanted.handle)))
    return conditions


def _accounts_called(handle: str) -> list[int]:
    wanted = handle.strip().removeprefix("@").lower()
    called = db.func.lower(Account.handle)
    alike = or_(called == wanted, called.startswith(f"{wanted}@", autoescape=True))
    return list(db.session.scalars(db.select(Account.id).where(alike).limit(MAX_ACCOUNTS)))


def _slow(wanted: Filter) -> list[Any]:
    """Return the conditions for which rows are read."""
    conditions: list[Any] = []
    if wanted.network:
        conditions.append(Account.network == wanted.network)
    if wanted.reason:
        same = (Delivery.error_code == wanted.reason, Delivery.hold_reason == wanted.reason)
        conditions.append(or_(*same))
    if wanted.text:
        conditions.append(Tweet.text.icontains(wanted.text, autoescape=True))
    return conditions


def _ordered(listing: Listing) -> tuple[Any, ...]:
    return (listing.key.desc() if listing.newest_first else listing.key, Delivery.id)


def _some(listing: Listing, conditions: Sequence[Any]) -> Select[Any]:
    some = db.select(Delivery.id, listing.key.label("key")).where(*conditions)
    return by_index(some, listing.index).order_by(*_ordered(listing))


def _matching(
    listing: Listing, conditions: Sequence[Any], wanted: Filter, window: int | None, most: int
) -> Select[Any]:
    """Return (id, key) of the first matches among the first rows of a list."""
    some = _some(listing, conditions)
    if not wanted.reads_rows:
        return some.limit(most)
    return _filtered(some.limit(window).subquery(), listing, wanted).limit(most)


def _filtered(rows: Subquery, listing: Listing, wanted: Filter) -> Select[Any]:
    key = rows.c.key.desc() if listing.newest_first else rows.c.key
    return (
        db.select(rows.c.id, rows.c.key)
        .join(Delivery, Delivery.id == rows.c.id)
        .join(Account, Account.id == Delivery.account_id)
        .join(Tweet, Tweet.id == Delivery.tweet_id)
        .where(*_slow(wanted))
        .order_by(key, rows.c.id)
    )


def _end_of_window(listing: Listing, conditions: Sequence[Any]) -> str | None:
    last = db.session.execute(_some(listing, conditions).offset(WINDOW - 1).limit(1)).one_or_none()
    return None if last is None else _cursor(*last)


def _total(listing: Listing, conditions: Sequence[Any], wanted: Filter) -> tuple[int, bool]:
    """Return how many there are, and whether these are all."""
    if not wanted.reads_rows:
        total = db.session.scalar(db.select(_number(listing, conditions, COUNTED + 1))) or 0
        return min(total, COUNTED), total <= COUNTED
    looked_at = _some(listing, conditions).limit(WINDOW).subquery()
    matches = _filtered(looked_at, listing, wanted).order_by(None).subquery()
    total, seen = db.session.execute(
        db.select(
            db.select(db.func.count()).select_from(matches).scalar_subquery(),
            _number(listing, conditions, WINDOW),
        )
    ).one()
    return total, seen < WINDOW


def _number(listing: Listing, conditions: Sequence[Any], most: int) -> Any:
    return number_of(*conditions, most=most, index=listing.index)


def _loaded(job_ids: Sequence[str]) -> list[Delivery]:
    """Return these jobs in this order, with all that is shown of them."""
    whole = joinedload(Delivery.tweet).joinedload(Tweet.user).selectinload(User.accounts)
    rows = db.session.scalars(db.select(Delivery).where(Delivery.id.in_(job_ids)).options(whole))
    by_id = {row.id: row for row in rows}
    return [by_id[job_id] for job_id in job_ids if job_id in by_id]


def job(job_id: str) -> Delivery | None:
    """Return one job with all that is shown of it."""
    return next(iter(_loaded([job_id])), None) if job_id.isprintable() else None


def _cursor(job_id: str, key: datetime) -> str:
    return f"{round((key.astimezone(UTC) - EPOCH).total_seconds() * 1000)}~{job_id}"


def _behind(listing: Listing, cursor: str | None) -> list[Any]:
    """Return the condition of the rows behind a cursor."""
    if not cursor:
        return []
    parts = _CURSOR.fullmatch(cursor)
    if parts is None:
        raise UnknownCursor
    milliseconds, job_id, key = int(parts[1]), parts[2], listing.key
    further = key < milliseconds if listing.newest_first else key > milliseconds
    at_least = key <= milliseconds if listing.newest_first else key >= milliseconds
    return [at_least, or_(further, and_(key == milliseconds, Delivery.id > job_id))]
