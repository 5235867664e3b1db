"""Reads every row whose next_at has passed, and decides what to do about it.

Any number of processes may do this at the same time, and be paused at any point. Each decision is
one UPDATE that only changes rows that are still as they were read, so a second one changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from flask import current_app
from sqlalchemy import BigInteger, Row, String, Update, bindparam, or_, update
from sqlalchemy.orm import aliased
from sqlalchemy.types import TypeEngine

from app.broker import WakeUp
from app.db import (
    EPOCH,
    BuiltStatement,
    db,
    from_now,
    id_in,
    rows_changed,
    table_of,
)
from app.kinds import PUBLISH, RECONCILE
from app.models import Account, Delivery, Health, NetworkBlock, Tweet, User, pause, transitions
from app.networks import Destination
from app.states import HoldReason, State

LIMIT = 1000
CHUNK = 200
ALONE = 8
"""Up to this number, each due delivery gets its own message; more share messages."""


@dataclass
class DueWork:
    """What to do now: messages for workers, and ids that no worker has claimed in time."""

    wake_ups: list[WakeUp] = field(default_factory=list)
    unclaimed: list[str] = field(default_factory=list)
    look_ups: list[WakeUp] = field(default_factory=list)
    servers: dict[str, Destination] = field(default_factory=dict)
    """The server of each of these deliveries."""

    @property
    def job_ids(self) -> list[str]:
        """The ids to publish."""
        return [job_id for wake_up in self.wake_ups for job_id in wake_up.job_ids]


PUBLISHES, LOOKS_UP = frozenset({"publish"}), frozenset({"lookup"})
BOTH = PUBLISHES | LOOKS_UP


def dispatch(queues: Set[str] = BOTH) -> DueWork:
    """Decide about every row that is due now, oldest first, at most LIMIT of them.

    :param queues: those that this worker takes: what is for others stays for their schedulers.
    """
    rows = _due_rows(queues)
    db.session.commit()
    if not rows:
        return DueWork()
    sorted_rows: dict[str, list[Row[Any]]] = defaultdict(list)
    now = rows[0].now
    skipped = _skip_superseded(rows, now)
    for row in rows:
        if row.id in skipped:
            continue
        sorted_rows[_decide(row, now)].append(row)
    _hold(sorted_rows["leaving"], HoldReason.DELETION)
    _hold(sorted_rows["held back"], HoldReason.PAUSED)
    _hold(sorted_rows["late"], HoldReason.LATE)
    _hold(sorted_rows["reconnect"], HoldReason.RECONNECT)
    _hold(sorted_rows["stopped"], HoldReason.NETWORK)
    _defer(sorted_rows["paused"])
    prompt = _spread(sorted_rows["overdue"], now)
    servers = {row.id: Destination(row.network, row.host) for row in rows}
    notified = _mark_notified([row.id for row in sorted_rows["notify"]] + prompt)
    looked_up = _mark_looked_up([row.id for row in sorted_rows["look"]])
    return DueWork(
        wake_ups=_messages(PUBLISH, notified, servers),
        unclaimed=_mark_notified([row.id for row in sorted_rows["unclaimed"]]),
        look_ups=_messages(RECONCILE, looked_up, servers),
        servers=servers,
    )


def seconds_until_next(queues: Set[str] = BOTH) -> float | None:
    """Seconds until the earliest wake-up of all in these queues, None when there is none.

    One look into an index, so schedulers may ask twice a second. The ends of leases are among the
    wake-ups: while this is more than 0, nothing is due and no worker is known to be lost.
    """
    if not queues & BOTH:
        return None
    (row,) = _milliseconds_until_next(queues & BOTH).read({})
    return None if row[0] is None else max(0.0, row[0] / 1000)


@cache
def _milliseconds_until_next(queues: Set[str]) -> BuiltStatement:
    earliest = db.type_coerce(db.func.min(Delivery.next_at), BigInteger)
    remaining = earliest - db.type_coerce(from_now(), BigInteger)
    found = db.select(remaining).where(Delivery.next_at.is_not(None))
    return BuiltStatement(found if queues == BOTH else found.where(_is_for(queues)))


def _is_for(queues: Set[str]) -> Any:
    """Return the condition that a wake-up is for these queues. A lost worker is for both."""
    others = State.UNCONFIRMED if queues == PUBLISHES else State.SCHEDULED
    return Delivery.state != others


def forget_wake_ups() -> None:
    """After the broker lost its data: notify workers again of everything they were told before."""
    rows_changed(transitions.forget_wake_ups())
    db.session.commit()


def _due_rows(queues: Set[str]) -> Sequence[Row[Any]]:
    return sorted(_due(queues & BOTH).read({}), key=lambda row: row.due_at)


@cache
def _due(queues: Set[str]) -> BuiltStatement:
    for_queues = ((State.SCHEDULED, "publish"), (State.UNCONFIRMED, "lookup"))
    states = [state for state, queue in for_queues if queue in queues]
    return BuiltStatement(
        db.select(
            from_now().label("now"),
            Delivery.id,
            Delivery.state,
            Delivery.due_at,
            Delivery.not_before,
            Delivery.next_at,
            Delivery.wake_ups.label("wake_ups"),
            Delivery.attempts,
            Delivery.account_id,
            Tweet.series_id,
            Account.network,
            Account.host,
            Account.health,
            Account.paused_until,
            Account.catch_up_at,
            NetworkBlock.holds,
            NetworkBlock.probe_at,
            User.late_tolerance,
            User.delete_at,
            pause.is_paused().label("is_paused"),
        )
        .join(Account, Account.id == Delivery.account_id)
        .join(Tweet, Tweet.id == Delivery.tweet_id)
        .join(User, User.id == Tweet.user_id)
        .outerjoin(NetworkBlock, NetworkBlock.network == Account.network)
        .where(
            Delivery.next_at <= from_now(),
            or_(*(Delivery.state == state for state in states)),
        )
        .order_by(Delivery.next_at)
        .limit(LIMIT)
    )


def _decide(row: Row[Any], now: datetime) -> str:
    if row.state == State.UNCONFIRMED:
        return "look"
    if row.delete_at is not None:
        return "leaving"
    if row.health == Health.RECONNECT:
        return "reconnect"
    if row.holds:
        return "stopped"
    if row.is_paused:
        return "held back"
    if now - row.due_at > timedelta(seconds=row.late_tolerance):
        return "late"
    if _paused_until(row) > now:
        return "paused"
    if row.wake_ups:
        return "unclaimed"
    never_tried = row.attempts == 0 and row.not_before == row.due_at
    overdue = now - row.due_at > timedelta(seconds=current_app.config["CATCH_UP_AFTER"])
    return "overdue" if never_tried and overdue else "notify"


def _skip_superseded(rows: Sequence[Row[Any]], now: datetime) -> set[str]:
    """Cancel overdue tweets of a series after which a newer one is due, too; return which.

    After an outage people want one late tweet of a series, not all that were missed.
    """
    late = timedelta(seconds=current_app.config["CATCH_UP_AFTER"])
    overdue = [
        row
        for row in rows
        if row.series_id is not None
        and row.state == State.SCHEDULED
        and row.attempts == 0
        and now - row.due_at > late
    ]
    if not overdue:
        return set()
    later, its_tweet = aliased(Delivery), aliased(Tweet)
    own_series = db.select(Tweet.series_id).where(Tweet.id == Delivery.tweet_id).scalar_subquery()
    superseded = (
        db.exists()
        .where(
            its_tweet.series_id == own_series,
            later.tweet_id == its_tweet.id,
            later.account_id == Delivery.account_id,
            later.due_at > Delivery.due_at,
            later.due_at <= from_now(),
            later.state.not_in((State.CANCELLED, State.FAILED)),
        )
        .correlate(Delivery)
    )
    return set(_move(overdue, partial(transitions.skip, superseded)))


def _paused_until(row: Row[Any]) -> datetime:
    moments = [row.paused_until, row.probe_at]
    return max((moment for moment in moments if moment), default=row.not_before)


def _hold(rows: Sequence[Row[Any]], reason: HoldReason) -> None:
    _move(rows, partial(transitions.hold, reason))


def _defer(rows: Sequence[Row[Any]]) -> None:
    by_moment: dict[datetime, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_moment[_paused_until(row)].append(row)
    for moment, its_rows in by_moment.items():
        _move(its_rows, partial(transitions.defer, moment))


def _spread(rows: Sequence[Row[Any]], now: datetime) -> list[str]:
    """Give the overdue tweets of an account one slot each, in order; return those due now."""
    by_account: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_account[row.account_id].append(row)
    prompt: list[str] = []
    for account_id, overdue in by_account.items():
        slots = _slots(overdue, now)
        if not _reserve(account_id, overdue[0].catch_up_at, slots[-1]):
            continue
        for row, slot in zip(overdue, slots, strict=True):
            moved = _move([row], partial(transitions.give_slot, slot))
            prompt += moved if slot <= now else []
    return prompt


def _slots(overdue: Sequence[Row[Any]], now: datetime) -> list[datetime]:
    gap = timedelta(seconds=current_app.config["CATCH_UP_GAP"])
    last = overdue[0].catch_up_at
    first = now if last is None else max(now, last + gap)
    return [first + index * gap for index in range(len(overdue))]


def _reserve(account_id: int, seen: datetime | None, last_slot: datetime) -> bool:
    unchanged = Account.catch_up_at.is_(None) if seen is None else Account.catch_up_at == seen
    reserved = rows_changed(
        update(Account).where(Account.id == account_id, unchanged).values(catch_up_at=last_slot)
    )
    db.session.commit()
    return bool(reserved)


def _mark_notified(job_ids: Sequence[str]) -> list[str]:
    """Set next_at of these rows, later each time; return those that were still due."""
    if not job_ids:
        return []
    marking = _marking(current_app.config["NOTIFY_AGAIN_AFTER"])
    moved = {row.id for row in marking.run_and_commit({"job_ids": list(job_ids)})}
    return [job_id for job_id in job_ids if job_id in moved]


@cache
def _marking(again_after: float) -> BuiltStatement:
    these = id_in(Delivery.id, bindparam("job_ids"))
    return BuiltStatement(transitions.mark_notified(again_after, these).returning(Delivery.id))


def _mark_looked_up(job_ids: Sequence[str]) -> list[str]:
    """Set next_at to when a look-up must be over; the look-up itself then sets the next one."""
    if not job_ids:
        return []
    lease = current_app.config["LEASE"]
    return _run(job_ids, transitions.mark_looked_up(lease, id_in(Delivery.id, job_ids)))


def _move(rows: Sequence[Row[Any]], transition: Callable[..., Update]) -> list[str]:
    """Move those of these scheduled rows that are as they were read; return their ids.

    The others have changed since: whatever happened to them also changed their next_at.
    """
    if not rows:
        return []
    columns: dict[str, TypeEngine[Any]] = {"job_id": String(), "next_at_ms": BigInteger()}
    seen = [(row.id, (row.next_at - EPOCH) // timedelta(milliseconds=1)) for row in rows]
    read = table_of("read_rows", columns, seen)
    next_at_ms = db.type_coerce(Delivery.next_at, BigInteger)
    same = (Delivery.id == read.c.job_id, next_at_ms == read.c.next_at_ms)
    return _run([row.id for row in rows], transition(*same))


def _run(job_ids: Sequence[str], statement: Update) -> list[str]:
    """Run and commit a transition; return those of these ids that it moved."""
    moved = set(db.session.scalars(statement.returning(Delivery.id)))
    db.session.commit()
    return [job_id for job_id in job_ids if job_id in moved]


def _messages(
    task: str, job_ids: Sequence[str], servers: Mapping[str, Destination]
) -> list[WakeUp]:
    """Return the messages about these jobs: one for each, or, when there are many, for 200."""
    if task == PUBLISH and len(job_ids) <= ALONE:
        groups: Iterable[Sequence[str]] = [[job_id] for job_id in job_ids]
    else:
        groups = (job_ids[i : i + CHUNK] for i in range(0, len(job_ids), CHUNK))
    return [_message(task, list(its_ids), servers) for its_ids in groups]


def _message(task: str, job_ids: list[str], servers: Mapping[str, Destination]) -> WakeUp:
    keys = [servers[job_id].key for job_id in job_ids]
    if task == PUBLISH and len(job_ids) == 1:
        return WakeUp(task, job_ids, job_ids[0], keys)
    return WakeUp(task, job_ids, servers=keys)
