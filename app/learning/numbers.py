"""Likes, reposts and replies of published tweets, some time after they went out.

Each is a row that is due until it was read or given up, so nothing is lost with a worker. Where
reading costs, only accounts whose owner lets us learn from them are read, within the same cap.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import exists, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from app.accounts import Access, credentials, holds
from app.background import Run
from app.backoff import backoff_seconds
from app.db import database_now, db, from_now, id_in, retry_transient, rows_changed
from app.learning import allowance, best_hours
from app.learning.allowance import Reserved
from app.models import Account, Delivery, Learning, NumbersProgress, PostNumbers
from app.networks import LookUpFailed, LookUpRefused, Network, Numbers, ReadKind, TokenRefused
from app.precedence import step_aside
from app.states import State

IDLE_SECONDS = 30.0
"""From one run to the next, where numbers are not wanted very soon."""
RUN_SECONDS = 20.0
"""Of one run; what is due then waits for the next one, a few seconds later."""
LEASE_SECONDS = 120.0
"""After so long a number is due again whose reader was lost."""
ASIDE_SECONDS = 2.0
"""Before each call, at most, while this process publishes."""
AT_A_TIME = 500
"""Rows that are looked at for one call."""
ENDED_AT_A_TIME = 2_500
"""Deliveries that get their rows in one transaction. More than end in one millisecond: where a page
begins within one, those before it are read again."""
ACCOUNTS_AT_A_TIME = 200
"""Of which is asked whether they may be read; for more, all accounts would be read instead."""
SETTLING = timedelta(seconds=2)
"""How long a commit takes as a rule: what was published that lately waits for the next run."""
SLACK = timedelta(seconds=12)
"""How long it takes at most, by the time limits of statements: so far back a run looks again."""
MAX_TRIES = 8
FIRST_WAIT, MAX_WAIT = 300.0, 6 * 3600.0
"""Seconds to wait after a failure, doubling: eight tries take most of a day."""
GONE, CAP_REACHED, NO_ACCESS, OFF = "gone", "cap_reached", "access_ended", "off"


class NotRead(Exception):
    """There are no numbers now; ``why`` says the reason."""

    def __init__(self, why: str, after: float | None = None, *, may_cost: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.after = after
        """Seconds for which the network wants us to leave the account alone, None for any."""
        self.may_cost = may_cost


class Seen(NamedTuple):
    """The last delivery that was looked at, in the order in which they ended."""

    at: datetime
    job_id: str


class Batch(NamedTuple):
    """Posts of one account that are asked for in one call."""

    account_id: int
    network: Network
    posts: Mapping[str, str]
    """The remote id of each delivery."""


def read_numbers(run: Run) -> str:
    """Read what is due, and work out the best hours that have changed; return how many posts."""
    until, read = time.monotonic() + RUN_SECONDS, 0
    moments = current_app.config["NUMBERS_AFTER"]
    run.again_s = max(1.0, min(IDLE_SECONDS, moments[0] / 4)) if moments else IDLE_SECONDS
    seen = _seen_to()
    while seen is not None and time.monotonic() < until:
        run.advance(0)
        seen = _expect(seen)
    while time.monotonic() < until and (batch := _claim()):
        step_aside(ASIDE_SECONDS)
        run.advance(0)
        read += _read(batch)
    while time.monotonic() < until and best_hours.work_out_next():
        run.advance(0)
    if time.monotonic() >= until:
        run.again_s = run.every_s  # there is more to do
    return str(read)


def of_deliveries(job_ids: Sequence[str]) -> dict[str, list[PostNumbers]]:
    """Return the numbers of each of these deliveries that were read, the earliest first."""
    wanted = (id_in(PostNumbers.delivery_id, job_ids), PostNumbers.at.is_not(None))
    found: dict[str, list[PostNumbers]] = {job_id: [] for job_id in job_ids}
    for row in db.session.scalars(select(PostNumbers).where(*wanted).order_by(PostNumbers.after_s)):
        found[row.delivery_id].append(row)
    return found


# What was published is expected to be answered


def _seen_to() -> Seen | None:
    """Return where what was published is looked at from; None where no numbers are wanted."""
    progress = db.session.get(NumbersProgress, 1, populate_existing=True)
    now, moments = database_now(), current_app.config["NUMBERS_AFTER"]
    db.session.commit()
    if not moments:
        return None
    since = progress.seen_to if progress else now - timedelta(seconds=moments[-1])
    return Seen(min(since, now) - SLACK, "")


def _expect(seen: Seen) -> Seen | None:
    """Make rows for some of what was published since; return where to go on, None at the end."""
    until = database_now() - SETTLING
    ended = _ended(seen, until)
    is_last = len(ended) < ENDED_AT_A_TIME
    seen_to = until if is_last else ended[-1].finished_at
    wanted = _wanted([one for one in ended if one.state == State.PUBLISHED and one.remote_id])
    if wanted:
        rows = list(_rows(wanted, current_app.config["NUMBERS_AFTER"]))
        # What was looked at before has its rows; they may have been read since.
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        db.session.execute(insert(PostNumbers).on_conflict_do_nothing(), rows)
    try:
        db.session.merge(NumbersProgress(id=1, seen_to=seen_to))
        db.session.commit()
    except IntegrityError:  # another worker was quicker with the first row
        db.session.rollback()
        return None
    return None if is_last else Seen(ended[-1].finished_at, ended[-1].id)


def _ended(seen: Seen, until: datetime) -> Sequence[Any]:
    """Return the next deliveries that ended."""
    later = or_(Delivery.finished_at > seen.at, Delivery.id > seen.job_id)
    columns = (Delivery.id, Delivery.account_id, Delivery.state, Delivery.remote_id)
    query = (
        select(*columns, Delivery.accepted_at, Delivery.finished_at)
        .where(Delivery.finished_at >= seen.at, Delivery.finished_at <= until, later)
        .order_by(Delivery.finished_at, Delivery.id)
        .limit(ENDED_AT_A_TIME)
    )
    return db.session.execute(query).all()


def _wanted(published: Sequence[Any]) -> list[Any]:
    """Return those whose accounts may be read."""
    theirs = sorted({one.account_id for one in published})
    may_be_read: set[int] = set()
    for start in range(0, len(theirs), ACCOUNTS_AT_A_TIME):
        some = Account.id.in_(theirs[start : start + ACCOUNTS_AT_A_TIME])
        may_be_read |= set(db.session.scalars(select(Account.id).where(some, _may_be_read())))
    return [one for one in published if one.account_id in may_be_read]


def _rows(found: Iterable[Any], moments: Sequence[float]) -> Iterable[dict[str, Any]]:
    for row in found:
        for after_s in sorted({int(seconds) for seconds in moments}):
            due_at = (row.accepted_at or row.finished_at) + timedelta(seconds=after_s)
            yield {
                "delivery_id": row.id,
                "after_s": after_s,
                "account_id": row.account_id,
                "due_at": due_at,
                "tries": 0,
            }


def _may_be_read() -> Any:
    """Return the condition that reading an account is free, or that its owner agreed to it."""
    networks: Mapping[str, Network] = current_app.extensions["networks"]
    free = [network.name for network in networks.values() if not network.read_prices]
    agreed = exists().where(Learning.account_id == Account.id, Learning.enabled)
    return Account.connected & or_(Account.network.in_(free), agreed)


# What is due is read


def _claim() -> Batch | None:
    """Take the posts of one account that are due, for as long as the lease; None for none."""
    due = PostNumbers.due_at <= from_now()
    first = select(PostNumbers.account_id).where(due).order_by(PostNumbers.due_at).limit(1)
    account_id = db.session.scalar(first)
    if account_id is None:
        db.session.commit()
        return None
    account = db.session.get_one(Account, account_id, populate_existing=True)
    network: Network = current_app.extensions["networks"][account.network]
    theirs = (PostNumbers.account_id == account_id, due)
    waiting = select(PostNumbers.delivery_id).where(*theirs).order_by(PostNumbers.due_at)
    found = list(dict.fromkeys(db.session.scalars(waiting.limit(AT_A_TIME))))
    job_ids = found[: network.numbers_at_once]
    leased = {"due_at": from_now(LEASE_SECONDS), "tries": PostNumbers.tries + 1}
    mine = update(PostNumbers).where(*theirs, id_in(PostNumbers.delivery_id, job_ids))
    rows_changed(mine.values(leased))
    ids = select(Delivery.id, Delivery.remote_id).where(id_in(Delivery.id, job_ids))
    posts = {row.id: row.remote_id for row in db.session.execute(ids)}
    db.session.commit()
    return Batch(account_id, network, posts)


def _read(batch: Batch) -> int:
    """Ask for the numbers of some posts and store them; return how many there were."""
    if not db.session.scalar(
        select(Account.id).where(Account.id == batch.account_id, _may_be_read())
    ):
        retry_transient(lambda: _give_up(batch, OFF))
        return 0
    db.session.commit()
    reserved = None
    if batch.network.read_prices:
        count = len(batch.posts)
        reserved = allowance.reserve(batch.account_id, ReadKind.POSTS, count)
        if reserved is None:
            retry_transient(lambda: _put_off(batch, NotRead(CAP_REACHED)))
            return 0
        kept = dict(list(batch.posts.items())[: reserved.count])
        left = {key: one for key, one in batch.posts.items() if key not in kept}
        retry_transient(lambda: _put_off(batch._replace(posts=left), NotRead(CAP_REACHED)))
        batch = batch._replace(posts=kept)
    try:
        numbers = _ask(batch)
    except NotRead as problem:
        if reserved is not None and not problem.may_cost:
            allowance.give_back(reserved)
        failed = problem
        retry_transient(lambda: _put_off(batch, failed))
        return 0
    retry_transient(lambda: _store(batch, numbers, reserved))
    return len(numbers)


def _ask(batch: Batch) -> dict[str, Numbers]:
    """Ask the network, outside of any transaction. Raises NotRead."""
    try:
        access = credentials.access_to(batch.account_id)
    except credentials.NotNow as wait:
        raise NotRead("unreachable", max(1.0, wait.after)) from wait
    except credentials.NoAccess as problem:
        raise NotRead(NO_ACCESS) from problem
    try:
        return batch.network.numbers(access.credentials, list(batch.posts.values()))
    except LookUpRefused as refusal:
        raise NotRead(refusal.code) from refusal
    except LookUpFailed as failure:
        why = "unreachable" if failure.retry_after is None else "rate_limited"
        raise NotRead(why, failure.retry_after, may_cost=failure.unanswered) from failure
    except TokenRefused as refusal:
        _doubt(batch, access)
        raise NotRead("access_refused") from refusal


def _doubt(batch: Batch, access: Access) -> None:
    """Let the access be refreshed before it is used again, where that can be done.

    Where it cannot, the account is left as it is: whether it may publish, publishing finds out.
    """
    if batch.network.can_refresh(access.credentials):

        def doubt() -> None:
            holds.doubt_access(batch.account_id, access.version)
            db.session.commit()

        retry_transient(doubt)


# What follows from an answer


def _store(batch: Batch, numbers: Mapping[str, Numbers], reserved: Reserved | None) -> None:
    """Store the numbers; what the network does not know any more is gone for good."""
    if reserved is not None:
        allowance.correct(reserved, len(numbers))
    for job_id, remote_id in batch.posts.items():
        this = (PostNumbers.delivery_id == job_id, PostNumbers.due_at.is_not(None))
        one = numbers.get(remote_id)
        if one is None:
            rows_changed(update(PostNumbers).where(*this).values(due_at=None, why=GONE))
            continue
        told = {"likes": one.likes, "reposts": one.reposts, "replies": one.replies}
        read = {**told, "at": from_now(), "due_at": None, "why": None}
        rows_changed(update(PostNumbers).where(*this, *_asked_for()).values(read))
    if numbers:
        best_hours.look_again(batch.account_id)
    db.session.commit()


def _asked_for() -> tuple[Any, ...]:
    """Return the condition that a row is under a lease, and not merely due some day."""
    return PostNumbers.tries > 0, PostNumbers.due_at <= from_now(LEASE_SECONDS)


def _put_off(batch: Batch, problem: NotRead) -> None:
    """Try again later; give up what was tried too often. Commits."""
    for job_id in batch.posts:
        this = (PostNumbers.delivery_id == job_id, PostNumbers.due_at.is_not(None), *_asked_for())
        for row in db.session.scalars(select(PostNumbers).where(*this)):
            wait = max(problem.after or 0, backoff_seconds(row.tries - 1, MAX_WAIT, FIRST_WAIT))
            row.why = problem.why
            row.due_at = (
                None if row.tries >= MAX_TRIES else database_now() + timedelta(seconds=wait)
            )
    if problem.after is not None:
        _leave_alone(batch.account_id, problem.after)
    db.session.commit()


def _leave_alone(account_id: int, seconds: float) -> None:
    """Let nothing of an account be due for so long; that counts as no try."""
    theirs = (PostNumbers.account_id == account_id, PostNumbers.due_at < from_now(seconds))
    rows_changed(update(PostNumbers).where(*theirs).values(due_at=from_now(seconds)))


def _give_up(batch: Batch, why: str) -> None:
    """End what its owner does not want any more. Commits."""
    theirs = (PostNumbers.account_id == batch.account_id, PostNumbers.due_at.is_not(None))
    rows_changed(update(PostNumbers).where(*theirs).values(due_at=None, why=why))
    db.session.commit()
