"""Every arrow of docs/delivery.md: how a Delivery moves from state to state.

One function is one arrow: its name, the state that it starts from, and the columns that it sets.
It returns the UPDATE and does not run it: the caller adds what else must hold (``where``), runs it
and commits. No other file sets ``state``, ``next_at``, ``owner``, ``fence`` or ``lease_until``, and
tests/unit/test_structure.py reads the source for that.

Durations are seconds from now on the database's clock; moments are aware, in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, FromClause, Insert, Update, bindparam, insert, or_, update

from app.db import UTCDateTime, db, from_now, id_in, moment_before, unindexed
from app.models.attempt import Attempt
from app.models.delivery import IN_FLIGHT, RESTORED, Delivery
from app.states import HoldReason, State

SKIPPED = "skipped"
"""The error code of what a series left out: it was late, and the next one was due already."""
WAITING = (State.SCHEDULED, State.HELD)
"""States without a running call: the owner may change the delivery."""
UNDER_WAY = (State.CLAIMED, State.SENDING)
"""A delivery that ends in the state claimed ended in its preparation: it was not sent."""
LATE_ANSWER = (State.CANCELLED, State.HELD)
"""A late answer for a part of a thread changes nothing about these but what is out."""
NOT_UNDER_WAY = set(State) - {State.SENDING, State.UNCONFIRMED, State.PUBLISHED}
"""States in which a late answer may find another claim's row, without another call running."""

_UNOWNED: Mapping[str, Any] = {"owner": None, "lease_until": None}
_NO_ERROR: Mapping[str, Any] = {"error_code": None, "error_detail": None}
_UNTRIED: Mapping[str, Any] = {
    "wake_ups": 0,
    "tries": 0,
    "refusals": 0,
    "lookups": 0,
    "resends": 0,
    "echoed": False,
    "first_sent_at": None,
    "unconfirmed_at": None,
}
"""The next part of a thread begins like a tweet that was never tried."""
_IN_DOUBT: Mapping[str, Any] = {
    "state": State.HELD,
    "hold_reason": HoldReason.LATE,
    "next_at": None,
    "error_code": RESTORED,
}
"""After a restored backup nobody can know whether it went out: its owner is asked."""
_MOMENTS = (bindparam(name, type_=UTCDateTime) for name in ("due", "first_look"))
_TOLD: Sequence[Any] = (bindparam("again_ms", type_=BigInteger), *_MOMENTS)
"""What ``begin`` returns beside columns."""
_SENT_BEFORE = db.case((Delivery.resends > 0, Delivery.first_sent_at))
"""After a definite no, look-ups need not go back to this call, only to an earlier one."""


def _move(where: Sequence[Any], values: Mapping[str, Any], **more: Any) -> Update:
    return (
        update(Delivery)
        .where(*where)
        .values({**values, **more})
        .execution_options(synchronize_session=False)
    )


# Written by its owner


def begin(due_at: datetime, can_be_sent: bool, again_after: float | None) -> dict[str, Any]:
    """Return the values with which ``insert_new`` stores a delivery.

    :param can_be_sent: else it is held until its account is reconnected.
    :param again_after: seconds after which schedulers look whether anybody has claimed what workers
        are notified of at once; None when nobody is notified.
    """
    return {
        "due_at": due_at,
        "not_before": due_at,
        "state": State.SCHEDULED if can_be_sent else State.HELD,
        "hold_reason": None if can_be_sent else HoldReason.RECONNECT,
        "due": due_at,
        "first_look": due_at if can_be_sent else None,
        "again_ms": None if again_after is None else round(again_after * 1000),
    }


@cache
def insert_new(jobs: FromClause | None = None) -> Insert:
    """new -> scheduled, or held.

    What is notified, and due by the database's clock, is as after ``mark_notified``; what is not
    due is scheduled as if nobody had been notified.

    :param jobs: rows that have what ``begin`` returns, and the other columns; else parameters do.
    """
    again, due, first_look = _TOLD if jobs is None else (jobs.c[one.key] for one in _TOLD)
    now = db.type_coerce(from_now(), BigInteger)
    is_notified = again.is_not(None) & (now >= due)
    values = {
        "rings": db.case((is_notified, 1), else_=0),
        "next_at": db.case((is_notified, now + again), else_=first_look),
    }
    if jobs is None:
        return insert(Delivery.__table__).values(values)
    rows = {one.key: one for one in jobs.c if one.key in Delivery.__table__.c} | values
    return insert(Delivery.__table__).from_select(list(rows), db.select(*rows.values()))


def _due(due_at: datetime) -> dict[str, Any]:
    return {"due_at": due_at, "not_before": due_at, "next_at": due_at}


def edit_due(due_at: datetime, *where: Any) -> Update:
    """scheduled, or held for being late -> scheduled: its owner gave it another time with Edit."""
    late = Delivery.hold_reason == HoldReason.LATE
    return _move(
        [(Delivery.state == State.SCHEDULED) | late, *where],
        _due(due_at),
        state=State.SCHEDULED,
        hold_reason=None,
        asks_first=False,
        error_code=None,
        wake_ups=0,
    )


def reschedule(due_at: datetime, *where: Any) -> Update:
    """scheduled, held -> scheduled: its owner moved it to another time."""
    return _revive(due_at, [Delivery.state.in_(WAITING), *where])


def change_slot(slots: Any, *where: Any) -> Update:
    """scheduled, held, stay: its owner gave it another slot of its account's queue.

    :param slots: a CTE with job_id, due_at as it was read, and new_due_at.
    """
    new, is_scheduled = slots.c.new_due_at, Delivery.state == State.SCHEDULED
    same = (Delivery.id == slots.c.job_id, Delivery.due_at == slots.c.due_at)
    return _move(
        [*same, Delivery.state.in_(WAITING), *where],
        {"due_at": new, "slot_at": new, "not_before": new, "wake_ups": 0},
        next_at=db.case((is_scheduled, new), else_=None),
    )


def send_again(due_at: datetime, state: State, *where: Any) -> Update:
    """failed, review -> scheduled: its owner wants it sent again.

    :param state: which of the two. What was in review may be there, so it counts as a resend: a
        "duplicate" is the echo of the first one.
    """
    resends = Delivery.resends + db.case((Delivery.state == State.REVIEW, 1), else_=0)
    anew = {"tries": 0, "refusals": 0, "lookups": 0, "unconfirmed_at": None}
    return _revive(due_at, [Delivery.state == state, *where], **anew, resends=resends)


def _revive(due_at: datetime, where: Sequence[Any], **more: Any) -> Update:
    return _move(
        where,
        {**_due(due_at), **_NO_ERROR, **more},
        state=State.SCHEDULED,
        wake_ups=0,
        hold_reason=None,
        asks_first=False,
        finished_at=None,
    )


def cancel(*where: Any) -> Update:
    """scheduled, held, review -> cancelled: its owner cancelled it."""
    return _cancel([Delivery.state.in_((*WAITING, State.REVIEW)), *where])


def make_draft(*where: Any) -> Update:
    """scheduled, held, failed -> cancelled: nothing of it is out, and it is a draft from now on."""
    return _cancel([Delivery.state.in_((*WAITING, State.FAILED)), *where], **_NO_ERROR)


def disconnect(*where: Any) -> Update:
    """scheduled, held -> cancelled: its account was disconnected."""
    mine = [Delivery.state.in_(WAITING), *where]
    return _cancel(mine, error_code="disconnected", error_detail=None)


def skip(*where: Any) -> Update:
    """scheduled -> cancelled: late, and a newer tweet of the same series is due already."""
    scheduled = [Delivery.state == State.SCHEDULED, Delivery.attempts == 0]
    return _cancel([*scheduled, *where], error_code=SKIPPED, error_detail=None)


def _cancel(where: Sequence[Any], **more: Any) -> Update:
    values = {"state": State.CANCELLED, "next_at": None, "hold_reason": None, **more}
    return _move(where, values, finished_at=from_now())


def confirm(*where: Any) -> Update:
    """review -> published: its owner says that it arrived."""
    return _move([Delivery.state == State.REVIEW, *where], _confirmed())


def _confirmed() -> dict[str, Any]:
    return {
        **_NO_ERROR,
        "state": State.PUBLISHED,
        "accepted_at": Delivery.first_sent_at,
        "finished_at": from_now(),
    }


def confirm_part(delivery: Delivery, *where: Any) -> Update:
    """review -> scheduled (the next part), or published after the last one.

    Its owner says that the part arrived; nobody knows its id.
    """
    unknown = {"remote_id": None, "remote_url": None, "reference": None}
    posted = [*delivery.posted, unknown]
    values: dict[str, Any] = {
        **_confirmed(),
        "remote_id": posted[0]["remote_id"],
        "remote_url": posted[0]["remote_url"],
    }
    if delivery.goes_on_after_this_part:
        values = {**_next_part(), **(_IN_DOUBT if delivery.asks_first else {})}
    same = (Delivery.id == delivery.id, Delivery.fence == delivery.fence)
    return _move([Delivery.state == State.REVIEW, *same, *where], values, posted=posted)


def _next_part() -> dict[str, Any]:
    return {
        **_UNTRIED,
        **_NO_ERROR,
        "state": State.SCHEDULED,
        "not_before": from_now(),
        "next_at": from_now(),
    }


# Due: the dispatcher


def mark_notified(again_after: float, *where: Any) -> Update:
    """scheduled, stays: a worker was notified; check later, with a wait that doubles."""
    doubling = db.case((Delivery.wake_ups > 3, 8), else_=Delivery.wake_ups + 1)
    return _move(
        [unindexed(Delivery.state == State.SCHEDULED, Delivery.next_at <= from_now()), *where],
        {"wake_ups": Delivery.wake_ups + 1},
        next_at=from_now() + round(again_after * 1000) * doubling,
    )


def mark_looked_up(lease: float, *where: Any) -> Update:
    """unconfirmed, stays: a look-up was requested, and has this many seconds."""
    due = unindexed(Delivery.state == State.UNCONFIRMED, Delivery.next_at <= from_now())
    return _move([due, *where], {}, next_at=from_now(lease))


def forget_wake_ups(*where: Any) -> Update:
    """scheduled, stays: the broker lost its data, so workers are notified again at once."""
    told = (IN_FLIGHT, Delivery.wake_ups > 0)
    due = (Delivery.state == State.SCHEDULED, Delivery.not_before <= from_now())
    return _move([*told, *due, *where], {"wake_ups": 0}, next_at=from_now())


def defer(until: datetime, *where: Any) -> Update:
    """scheduled, stays: its account or network is paused until this moment."""
    deferred = {"wake_ups": 0, "not_before": until, "next_at": until}
    return _move([Delivery.state == State.SCHEDULED, *where], deferred)


def give_slot(slot: datetime, *where: Any) -> Update:
    """scheduled, stays: one of many overdue tweets of an account, which go one after the other."""
    return _move([Delivery.state == State.SCHEDULED, *where], {"not_before": slot}, next_at=slot)


def hold(reason: HoldReason, *where: Any) -> Update:
    """scheduled -> held."""
    held = {"state": State.HELD, "hold_reason": reason, "next_at": None}
    return _move([Delivery.state == State.SCHEDULED, *where], held)


def release(*where: Any) -> Update:
    """held -> scheduled: what it waited for is over."""
    return _move(
        where,  # the state is in it: the index of held rows needs it word for word
        {**_NO_ERROR, "hold_reason": None, "wake_ups": 0, "refusals": 0},
        state=State.SCHEDULED,
        next_at=Delivery.not_before,
    )


def shift(milliseconds: int, *where: Any) -> Update:
    """held -> scheduled: the pause that held it is over, and it goes out later by its length.

    What was tried before keeps its due time: it may be there, and would seem to be early.
    """
    due_at, later = Delivery.due_at + milliseconds, Delivery.not_before + milliseconds
    return _move(
        where,  # the state is in it, as for ``release``
        {**_NO_ERROR, "hold_reason": None, "wake_ups": 0},
        state=State.SCHEDULED,
        due_at=db.case((Delivery.attempts == 0, due_at), else_=Delivery.due_at),
        not_before=later,
        next_at=later,
    )


def hold_in_doubt(*where: Any) -> Update:
    """scheduled, claimed, held -> held, late: after a restored backup its owner decides."""
    return _move(where, {**_IN_DOUBT, **_UNOWNED, "wake_ups": 0})


# Claimed: the publisher


def claim(owner: str, lease: float, *where: Any) -> Update:
    """scheduled and due -> claimed, by one worker, for so many seconds."""
    due = unindexed(Delivery.state == State.SCHEDULED, Delivery.not_before <= from_now())
    return _move(
        [due, *where],
        {"owner": owner, "fence": Delivery.fence + 1},
        state=State.CLAIMED,
        lease_until=from_now(lease),
        next_at=from_now(lease),
    )


def claim_and_start(owner: str, lease: float, *where: Any) -> Update:
    """scheduled and due -> sending: claim and intent in one transaction.

    That transaction also stores the Attempt of each, or takes the intent back with ``only_claim``.
    """
    due = unindexed(Delivery.state == State.SCHEDULED, Delivery.not_before <= from_now())
    return _move(
        [due, *where],
        {"owner": owner, "fence": Delivery.fence + 1, **_started(lease)},
        state=State.SENDING,
    )


def only_claim(*where: Any) -> Update:
    """sending -> claimed, in the transaction that claimed it: it cannot be sent at once.

    Without its Attempt no call can have begun.
    """
    same = (Attempt.delivery_id == Delivery.id, Attempt.fence == Delivery.fence)
    return _move(
        [Delivery.state == State.SENDING, ~db.exists().where(*same), *where],
        {"attempts": Delivery.attempts - 1, "first_sent_at": _SENT_BEFORE},
        state=State.CLAIMED,
    )


def renew_lease(lease: float, *where: Any) -> Update:
    """claimed, stays: its preparation continues, and the lease has not ended."""
    mine = (Delivery.state == State.CLAIMED, Delivery.lease_until > from_now())
    return _move([*mine, *where], {"lease_until": from_now(lease)}, next_at=from_now(lease))


def release_claim(after: float, *where: Any) -> Update:
    """claimed -> scheduled in so many seconds: nothing was sent."""
    return _move(
        [Delivery.state == State.CLAIMED, *where],
        {**_UNOWNED, "wake_ups": 0},
        state=State.SCHEDULED,
        not_before=from_now(after),
        next_at=from_now(after),
    )


def fail_unstored(*where: Any) -> Update:
    """claimed -> failed: the database refuses its intent, so it was not sent and never can be."""
    return _fail([Delivery.state == State.CLAIMED, *where], "not_stored", None)


def start_sending(lease: float, *where: Any) -> Update:
    """claimed -> sending: the intent. From now on the network may have it."""
    return _move(
        [unindexed(Delivery.state == State.CLAIMED, Delivery.lease_until > from_now()), *where],
        _started(lease),
        state=State.SENDING,
    )


def _started(lease: float) -> dict[str, Any]:
    return {
        "attempts": Delivery.attempts + 1,
        "first_sent_at": db.func.coalesce(Delivery.first_sent_at, from_now()),
        "lease_until": from_now(lease),
        "next_at": from_now(lease),
    }


# The worker is lost


def expire_send(first_look_up: float, *where: Any) -> Update:
    """sending -> unconfirmed: its worker's lease ended, and it may have been accepted."""
    return _unconfirm(first_look_up, where, "worker_lost")


def end_leases_now(*where: Any) -> Update:
    """claimed, sending, stay: the lease ends too far ahead, because the clock was set back."""
    leased = Delivery.state.in_(UNDER_WAY)
    return _move([leased, *where], {"lease_until": from_now()}, next_at=from_now())


def wake_up_now(state: State, *where: Any) -> Update:
    """Stays: its next_at is too far ahead, because the clock was set back."""
    return _move([Delivery.state == state, *where], {"next_at": from_now()})


# Sent: what the network answered


def accept_all(rows: Any) -> Update:
    """sending -> published, many in one statement; also rows for which an answer came late.

    :param rows: a CTE with job_id, fence, remote_id, remote_url and age_ms, the milliseconds
        since the network answered.
    """
    # Not as a list: this is a BuiltStatement, which takes none.
    late = or_(*(Delivery.state == state for state in sorted(NOT_UNDER_WAY)))
    these = (Delivery.id == rows.c.job_id, id_in(Delivery.id, rows.c.job_id))
    return _move(
        [*these, (Delivery.fence == rows.c.fence) | late, Delivery.state != State.PUBLISHED],
        {**_UNOWNED, **_NO_ERROR, "hold_reason": None},
        state=State.PUBLISHED,
        remote_id=rows.c.remote_id,
        remote_url=rows.c.remote_url,
        accepted_at=moment_before(rows.c.age_ms),
        finished_at=from_now(),
        next_at=None,
    )


def accept_part(
    posted: Sequence[Mapping[str, Any]], parts: int, accepted_at: Any, *where: Any
) -> Update:
    """sending -> scheduled (the next part), or published after the last one.

    :param posted: the parts published so far, out of ``parts``.
    :param accepted_at: when the network accepted the newest part, in UTC.
    """
    return _move(where, {**_UNOWNED, **_part_out(posted, parts, accepted_at)})


def find_part(
    posted: Sequence[Mapping[str, Any]], parts: int, accepted_at: Any, *where: Any
) -> Update:
    """unconfirmed -> scheduled (the next part), or published: a look-up found it."""
    unconfirmed = Delivery.state == State.UNCONFIRMED
    return _move([unconfirmed, *where], _part_out(posted, parts, accepted_at))


def _part_out(posted: Sequence[Mapping[str, Any]], parts: int, accepted_at: Any) -> dict[str, Any]:
    if len(posted) < parts:
        return {"posted": list(posted), **_next_part_unless_late()}
    return {
        **_NO_ERROR,
        "posted": list(posted) if parts > 1 else [],
        "state": State.PUBLISHED,
        "remote_id": posted[0]["remote_id"],
        "remote_url": posted[0]["remote_url"],
        "accepted_at": accepted_at,
        "finished_at": from_now(),
        "next_at": None,
        "hold_reason": None,
    }


def _next_part_unless_late() -> dict[str, Any]:
    """Make the next part due; after a restored backup its owner is asked first.

    A late answer leaves what is cancelled or held as it is.
    """
    again = {**_next_part(), "finished_at": None}
    asking = {**again, **_IN_DOUBT}
    stays = Delivery.state.in_(LATE_ANSWER)
    return {
        name: db.case(
            (stays, getattr(Delivery, name)),
            (Delivery.asks_first, asking[name]),
            else_=again.get(name, getattr(Delivery, name)),
        )
        for name in asking
    }


def take_back(is_thread: Any, first_look_up: float, *where: Any) -> Update:
    """published by a look-up -> unconfirmed (a thread: review): the post is another row's."""
    return _move(
        where,
        {"remote_id": None, "remote_url": None, "accepted_at": None, "finished_at": None},
        state=db.case((is_thread, State.REVIEW), else_=State.UNCONFIRMED),
        lookups=0,
        unconfirmed_at=from_now(),
        next_at=db.case((is_thread, None), else_=from_now(first_look_up)),
    )


def postpone(
    after: float, code: str | None, detail: str | None, *where: Any, **more: Any
) -> Update:
    """claimed, sending -> scheduled in so many seconds: a definite "not now"."""
    return _move(
        [Delivery.state.in_(UNDER_WAY), *where],
        {**_UNOWNED, **_error(code, detail), **more, "wake_ups": 0},
        state=State.SCHEDULED,
        not_before=from_now(after),
        next_at=from_now(after),
        first_sent_at=_SENT_BEFORE,
    )


def fail(code: str | None, detail: str | None, *where: Any) -> Update:
    """claimed, sending -> failed: a definite no to this content."""
    under_way = [Delivery.state.in_(UNDER_WAY), *where]
    return _fail(under_way, code, detail, first_sent_at=_SENT_BEFORE)


def _fail(where: Sequence[Any], code: str | None, detail: str | None, **more: Any) -> Update:
    failed = {"state": State.FAILED, "next_at": None, **_UNOWNED, **_error(code, detail)}
    return _move(where, failed, finished_at=from_now(), **more)


def hold_refused(reason: HoldReason, code: str | None, detail: str | None, *where: Any) -> Update:
    """claimed, sending -> held: the account's access ended, or the network refuses the app."""
    return _move(
        [Delivery.state.in_(UNDER_WAY), *where],
        {**_UNOWNED, **_error(code, detail)},
        state=State.HELD,
        hold_reason=reason,
        next_at=None,
    )


def unconfirm(
    first_look_up: float, code: str | None, detail: str | None, *where: Any, **more: Any
) -> Update:
    """sending -> unconfirmed: it may have been accepted."""
    return _unconfirm(first_look_up, where, code, error_detail=detail, **more)


def _unconfirm(first_look_up: float, where: Sequence[Any], code: str | None, **more: Any) -> Update:
    return _move(
        [Delivery.state == State.SENDING, *where],
        {**_UNOWNED, "error_code": code, **more},
        state=State.UNCONFIRMED,
        lookups=0,
        unconfirmed_at=from_now(),
        next_at=from_now(first_look_up),
    )


def _error(code: str | None, detail: str | None) -> dict[str, Any]:
    return {"error_code": code, "error_detail": detail}


# Unconfirmed: what look-ups found


def look_up_later(after: float, *where: Any, **more: Any) -> Update:
    """unconfirmed, stays: looked up again in so many seconds."""
    return _move([Delivery.state == State.UNCONFIRMED, *where], more, next_at=from_now(after))


def resend(after: float, resends: int, *where: Any, **more: Any) -> Update:
    """unconfirmed -> scheduled: absent from every look-up, so it is sent once more."""
    return _move(
        [Delivery.state == State.UNCONFIRMED, *where],
        {**more, "resends": resends, "wake_ups": 0},
        state=State.SCHEDULED,
        not_before=from_now(after),
        next_at=from_now(after),
    )


def trust_duplicate(profile_url: str, first_sent_at: datetime, *where: Any) -> Update:
    """unconfirmed -> published: the network refused the resend because it has the first one."""
    return _move(
        [Delivery.state == State.UNCONFIRMED, *where],
        _NO_ERROR,
        state=State.PUBLISHED,
        remote_url=profile_url,
        accepted_at=first_sent_at,
        finished_at=from_now(),
        next_at=None,
    )


def ask_owner(code: str, detail: str | None, *where: Any) -> Update:
    """unconfirmed -> review: only its owner can find out."""
    review = {"state": State.REVIEW, "next_at": None, **_error(code, detail)}
    return _move([Delivery.state == State.UNCONFIRMED, *where], review)
