"""Finds what people must be told, in the rows that say so, and stores a notice of each.

Nothing is told by whoever publishes: what ended is walked by the time that it ended, and what waits
for somebody is looked through again and again. Each notice has a key that names the occurrence, so
a search may find the same thing as often as it likes, in two workers at once, or after a kill.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError

from app.background import Run
from app.db import database_now, db, from_now, id_in
from app.models import ENDING, STUCK, Account, Delivery, Health, Notice, NoticeKind, notice
from app.notices import digests, mailing
from app.notices.rows import Happened, store
from app.states import HoldReason, State

PAGE = 2_500
"""Deliveries that are looked at in one transaction."""
ACCOUNTS_AT_A_TIME = 200
BUDGET_SECONDS = 2.0
"""Of one walk through what waits; where more than that waits, the next one goes on."""
REST_FACTOR = 10
"""A run is followed by so many times its length without one."""
SLACK = timedelta(seconds=12)
"""How long a commit takes at most, by the time limits of statements: so far back a run looks."""
SETTLED = timedelta(seconds=5)
"""After so long, all is held that the end of an access holds."""
KEPT_SECONDS = 90 * 86_400.0
FORGOTTEN_AT_A_TIME = 1_000

_goes_on: dict[str, Seen] = {}
"""Where this process stopped walking through what waits, while there is very much of it."""


class Row(NamedTuple):
    """A delivery with its account, as far as they matter here."""

    delivery: Any
    account: Any


class Seen(NamedTuple):
    """The last delivery that was looked at, in the order of a walk."""

    at: datetime
    job_id: str


def look(run: Run) -> str:
    """Store what is new, and the mails about it; return how many notices and mails."""
    began = time.monotonic()
    count = sum(_step(run, found) for found in (_ended(), _waiting(), _ending()))
    count += digests.store_due()
    mails = mailing.queue_due()
    _forget_old()
    run.rest(REST_FACTOR * (time.monotonic() - began))
    return f"{count}, {mails}"


def _step(run: Run, pages: Iterator[Sequence[Happened]]) -> int:
    """Store page after page, each in a transaction of its own."""
    count = 0
    for page in pages:
        count += store(page)
        db.session.commit()
        run.advance(0)
    return count


# What ended


def _ended() -> Iterator[Sequence[Happened]]:
    """Yield what failed since the last run, and what was published for those who want that."""
    progress = db.session.get(notice.NoticeProgress, 1, populate_existing=True)
    until = database_now()
    since = min(progress.ended_to if progress else until, until) - SLACK
    failed = (Delivery.state == State.FAILED,)
    yield from _walk_ended(since, NoticeKind.FAILED, failed)
    wanting = select(notice.NoticeSettings.user_id).where(notice.NoticeSettings.wants_published)
    if wishing := list(db.session.scalars(wanting)):
        theirs = select(Account.id).where(Account.user_id.in_(wishing))
        published = (Delivery.state == State.PUBLISHED, Delivery.account_id.in_(theirs))
        yield from _walk_ended(since, NoticeKind.PUBLISHED, published)
    try:
        db.session.merge(notice.NoticeProgress(id=1, ended_to=until))
        db.session.commit()
    except IntegrityError:  # another worker was quicker with the first row
        db.session.rollback()


def _walk_ended(
    since: datetime, kind: NoticeKind, which: tuple[Any, ...]
) -> Iterator[Sequence[Happened]]:
    seen: Seen | None = Seen(since, "")
    while seen is not None:
        later = or_(Delivery.finished_at > seen.at, Delivery.id > seen.job_id)
        query = (
            _of_deliveries()
            .where(Delivery.finished_at >= seen.at, later, *which)
            .order_by(Delivery.finished_at, Delivery.id)
            .limit(PAGE)
        )
        rows = _with_accounts(query)
        yield [_ended_as(kind, row) for row in rows]
        last = rows[-1].delivery if len(rows) == PAGE else None
        seen = last and Seen(last.finished_at, last.id)


def _ended_as(kind: NoticeKind, row: Row) -> Happened:
    ended = row.delivery
    return Happened(
        kind=kind,
        key=f"{kind}:{ended.id}:{ended.finished_at.timestamp():.3f}",
        at=ended.finished_at,
        user_id=row.account.user_id,
        account_id=ended.account_id,
        cause=ended.error_code or "",
        job_id=ended.id,
        tweet_id=ended.tweet_id,
    )


def _of_deliveries() -> Any:
    return select(
        *(Delivery.id, Delivery.tweet_id, Delivery.account_id, Delivery.state, Delivery.fence),
        *(Delivery.hold_reason, Delivery.error_code, Delivery.due_at, Delivery.finished_at),
    )


def _with_accounts(query: Any) -> list[Row]:
    """Return deliveries with their accounts, which are read some at a time.

    Of both together, the database would read all accounts.
    """
    deliveries = db.session.execute(query).all()
    ids = sorted({one.account_id for one in deliveries})
    columns = (Account.id, Account.user_id, Account.health, Account.last_error_at)
    accounts: dict[int, Any] = {}
    for start in range(0, len(ids), ACCOUNTS_AT_A_TIME):
        some = Account.id.in_(ids[start : start + ACCOUNTS_AT_A_TIME])
        found = db.session.execute(select(*columns, Account.credentials_version).where(some))
        accounts |= {one.id: one for one in found}
    return [Row(one, accounts[one.account_id]) for one in deliveries]


# What waits for somebody


def _waiting() -> Iterator[Sequence[Happened]]:
    """Yield what is held although it was due, what is in review, and accesses that have ended."""
    until = time.monotonic() + BUDGET_SECONDS
    seen = _goes_on.pop("waiting", None)
    while True:
        query = _of_deliveries().where(STUCK).order_by(Delivery.due_at, Delivery.id).limit(PAGE)
        if seen is not None:
            later = or_(Delivery.due_at > seen.at, Delivery.id > seen.job_id)
            query = query.where(Delivery.due_at >= seen.at, later)
        rows = _with_accounts(query)
        yield _new_of(rows)
        if len(rows) < PAGE:
            return
        seen = Seen(rows[-1].delivery.due_at, rows[-1].delivery.id)
        if time.monotonic() > until:
            _goes_on["waiting"] = seen
            return


def _new_of(rows: Sequence[Row]) -> list[Happened]:
    """Return what of these rows is to be told and was not yet."""
    now = database_now()
    found = [_waits(row, now) for row in rows if _is_told_alone(row.delivery)]
    found += _by_access([row for row in rows if _is_lost(row)], now)
    known = select(Notice.key).where(id_in(Notice.key, [one.key for one in found]))
    told_before = set(db.session.scalars(known))
    return [one for one in found if one.key not in told_before]


def _by_access(lost: Sequence[Row], now: datetime) -> Iterator[Happened]:
    """Yield what was due, or, if nothing was, each access that has ended; each access is told once.

    :param lost: rows that wait for their accounts, in the order in which they are due.
    """
    told = _told_accesses({row.account.id for row in lost})
    for row in lost:
        access = (row.account.id, row.account.credentials_version)
        if NoticeKind.ACCESS_ENDED in told.get(access, ()):
            continue
        if row.delivery.due_at <= now:
            yield _waits(row, now, row.account.credentials_version)
            told.setdefault(access, set()).add(NoticeKind.HELD)
        elif access not in told and now - row.account.last_error_at > SETTLED:
            yield _access_ended(row, now)
            told[access] = {NoticeKind.ACCESS_ENDED}


def _is_lost(row: Row) -> bool:
    """Whether it waits for its account; else the account is back, and it goes on by itself."""
    account = row.account
    has_ended = account.health == Health.RECONNECT and account.last_error_at is not None
    return row.delivery.hold_reason == HoldReason.RECONNECT and has_ended


def _is_told_alone(delivery: Any) -> bool:
    """Whether it is told whatever becomes of its account. What operators pause, pages say."""
    if delivery.state == State.REVIEW:
        return True
    return delivery.hold_reason in (HoldReason.LATE, HoldReason.NETWORK)


def _told_accesses(account_ids: set[int]) -> dict[tuple[int, int], set[str]]:
    """Return how the end of accesses was told: kinds of notices by account and version."""
    told: dict[tuple[int, int], set[str]] = {}
    ended = (Notice.version.is_not(None), Notice.kind != NoticeKind.ACCESS_ENDING)
    these = Notice.account_id.in_(sorted(account_ids))
    columns = select(Notice.account_id, Notice.version, Notice.kind).where(these, *ended)
    for row in db.session.execute(columns.distinct()) if account_ids else ():
        told.setdefault((row.account_id, row.version), set()).add(row.kind)
    return told


def _waits(row: Row, now: datetime, version: int | None = None) -> Happened:
    one = row.delivery
    kind = NoticeKind.REVIEW if one.state == State.REVIEW else NoticeKind.HELD
    cause = (one.error_code if kind == NoticeKind.REVIEW else one.hold_reason) or ""
    occurrence = f"{one.fence}:{one.due_at.timestamp():.3f}:{version or ''}"
    return Happened(
        kind=kind,
        key=f"{kind}:{one.id}:{cause}:{occurrence}",
        at=now,
        user_id=row.account.user_id,
        account_id=one.account_id,
        cause=cause,
        job_id=one.id,
        tweet_id=one.tweet_id,
        version=version,
        code=one.error_code,
    )


def _access_ended(row: Row, now: datetime) -> Happened:
    version = row.account.credentials_version
    return Happened(
        kind=NoticeKind.ACCESS_ENDED,
        key=f"{NoticeKind.ACCESS_ENDED}:{row.account.id}:{version}",
        at=now,
        user_id=row.account.user_id,
        account_id=row.account.id,
        cause=HoldReason.RECONNECT,
        version=version,
        code=row.delivery.error_code,
    )


# Which access will end


def _ending() -> Iterator[Sequence[Happened]]:
    """Yield accesses that end before something of theirs is due."""
    version = Account.credentials_version
    later = (Delivery.account_id == Account.id, Delivery.state == State.SCHEDULED)
    is_too_late = db.exists().where(*later, Delivery.due_at > Account.access_ends_at)
    same = (Notice.account_id == Account.id, Notice.version == version)
    is_told = db.exists().where(Notice.kind == NoticeKind.ACCESS_ENDING, *same)
    columns = (Account.id, Account.user_id, Account.access_ends_at, version)
    query = select(*columns).where(ENDING, ~is_told, is_too_late).limit(PAGE)
    now = database_now()
    yield [
        Happened(
            kind=NoticeKind.ACCESS_ENDING,
            key=f"{NoticeKind.ACCESS_ENDING}:{row.id}:{row.credentials_version}",
            at=now,
            user_id=row.user_id,
            account_id=row.id,
            cause="ends",
            version=row.credentials_version,
            ends_at=row.access_ends_at.isoformat(),
        )
        for row in db.session.execute(query)
    ]


def _forget_old() -> None:
    """Delete some notices that are older than three months. Commits.

    What still waits then is told once more.
    """
    old = select(Notice.id).where(Notice.at < from_now(-KEPT_SECONDS)).order_by(Notice.at)
    ids = list(db.session.scalars(old.limit(FORGOTTEN_AT_A_TIME)))
    if ids:
        gone = db.session.execute(
            delete(Notice)
            .where(Notice.id.in_(ids))
            .returning(Notice.user_id, Notice.bell, Notice.read_at)
        )
        notice.count_unread(
            [row.user_id for row in gone if row.bell and row.read_at is None], step=-1
        )
    db.session.commit()
