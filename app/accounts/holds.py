"""Pauses of a whole account or network: rate limits, lost access, refused apps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import BigInteger, Select, bindparam, delete, exists, func, literal, update
from sqlalchemy.dialects import postgresql, sqlite

from app.backoff import backoff_seconds
from app.db import BuiltStatement, database_now, db, from_now, id_in, rows_changed
from app.models import (
    HELD,
    Account,
    Delivery,
    Health,
    NetworkBlock,
    User,
    is_leaving,
    pause,
    transitions,
)
from app.states import HoldReason

FIRST_PROBE = 5 * 60.0
LATER_PROBES = 60 * 60.0
UNSTATED_WAIT = 15 * 60.0
MAX_PAUSE_SECONDS = 24 * 3600.0
ACCOUNTS_AT_A_TIME = 1000
ROWS_AT_A_TIME = 2000
"""What one search for forgotten rows looks at and releases at most: it runs every few seconds."""


def pause_account(account_id: int, seconds: float | None) -> float:
    """Pause an account; return the seconds for which it waits. The caller commits.

    :param seconds: None when the network did not say: a quarter of an hour, doubling, at most
        a day.
    """
    account = db.session.get_one(Account, account_id, populate_existing=True, with_for_update=True)
    now = database_now()
    ends = account.paused_until or now
    if seconds is None and ends <= now:  # several tweets refused at once count as one rate limit
        seconds = backoff_seconds(account.pauses, MAX_PAUSE_SECONDS, first=UNSTATED_WAIT)
        account.pauses += 1
    account.paused_until = max(ends, now + timedelta(seconds=seconds or 0))
    return (account.paused_until - now).total_seconds()


def doubt_access(account_id: int, version: int) -> bool:
    """Have this version of the credentials refreshed before their next use.

    Commit is the caller's. False when they were replaced meanwhile.
    """
    these = (Account.id == account_id, Account.credentials_version == version)
    return bool(rows_changed(update(Account).where(*these).values(credentials_stale=True)))


def hold_account(account_id: int, version: int, detail: str | None) -> bool:
    """Hold everything of an account until its owner connects it again.

    Commit is the caller's. False, with nothing changed, when this version of its credentials was
    replaced meanwhile.
    """
    these = (Account.id == account_id, Account.credentials_version == version)
    ended = {"health": Health.RECONNECT, "last_error": detail, "last_error_at": from_now()}
    refused = update(Account).where(*these).values(ended)
    if not rows_changed(refused):
        return False
    rows_changed(transitions.hold(HoldReason.RECONNECT, Delivery.account_id == account_id))
    return True


def release_account(account_id: int) -> list[str]:
    """Release the account's held deliveries; for those that are too late, ask the owner.

    Commit is the caller's. Returns the ids that are scheduled again.
    """
    mine = (Delivery.account_id == account_id, *_held_for(HoldReason.RECONNECT))
    late = update(Delivery).where(*mine, Delivery.due_at < from_now(-_tolerance_of(account_id)))
    rows_changed(late.values(hold_reason=HoldReason.LATE))
    return _release(*mine)


def stop_network(network: str, reason: str, detail: str | None) -> None:
    """Stop sending to a network that refuses this app, until a probe works.

    Commit is the caller's.
    """
    stop = _stop_of(network)
    stop.reason, stop.detail, stop.holds = reason, detail, True
    stop.probe_at = from_now(FIRST_PROBE if stop.probes == 0 else LATER_PROBES)


def pause_network(network: str, seconds: float) -> None:
    """Pause a whole network because the app's own allowance is used up.

    Commit is the caller's.
    """
    stop = _stop_of(network)
    if not stop.holds:  # a refusal of the whole app takes precedence
        stop.reason, stop.detail = "rate_limited", None
        stop.probe_at = from_now(seconds)


def _stop_of(network: str) -> NetworkBlock:
    """Return the network's row; create it if missing. Several workers may do so at once."""
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    fresh = insert(NetworkBlock).values(
        network=network, reason="", probes=0, probe_at=from_now(), holds=False
    )
    db.session.execute(fresh.on_conflict_do_nothing())
    return db.session.get_one(NetworkBlock, network, populate_existing=True, with_for_update=True)


def release_network(network: str, probe_at: datetime) -> list[str]:
    """Release the deliveries held for a network; return their ids. The caller commits.

    :param probe_at: the value that the caller set. If it has changed, the network refused us
        again, and the stop stays.
    """
    over = delete(NetworkBlock).where(
        NetworkBlock.network == network, NetworkBlock.probe_at == probe_at
    )
    if not rows_changed(over):
        return []
    accounts = db.select(Account.id).where(Account.network == network)
    return _release(Delivery.account_id.in_(accounts), *_held_for(HoldReason.NETWORK))


def release_forgotten(after: int = 0) -> int:
    """Release deliveries held for a reason that is over, and commit.

    An account may be connected again, a network come back, or a pause end, in the moment between
    the decision to hold a delivery and the hold itself.

    :param after: only accounts with a greater id: the next thousand of those with held rows.
    :returns: the id after which the next call goes on; 0 if there are no more accounts.
    """
    ends = []
    for reason, is_over in _reasons().items():
        wanted = {"after": after, "most": ACCOUNTS_AT_A_TIME}
        holding = _accounts_with_held(reason).read(wanted)
        if ready := [row.account_id for row in holding if row.is_over]:
            _release_some(reason, is_over, ready)
        if len(holding) == ACCOUNTS_AT_A_TIME:
            ends.append(holding[-1].account_id)
    return min(ends, default=0)


@cache
def _reasons() -> dict[HoldReason, Any]:
    """Return the reasons that may be over without anybody's doing, and when each is."""
    stopped = db.select(NetworkBlock.network).where(NetworkBlock.holds)
    return {
        HoldReason.RECONNECT: Account.health == Health.OK,
        HoldReason.NETWORK: Account.network.not_in(stopped),
        HoldReason.PAUSED: ~pause.is_unsettled(),
        HoldReason.DELETION: ~is_leaving(),
    }


@cache
def _accounts_with_held(reason: HoldReason) -> BuiltStatement:
    """Return the query for account_id and is_over of the next accounts with rows held for this
    reason, by id: ``after`` an id, at ``most`` so many.

    It steps through the index from account to account: one with a million held rows costs as much
    as one with a single row.
    """

    def next_after(account_id: Any) -> Select[Any]:
        held = (HELD, Delivery.hold_reason == reason, Delivery.account_id > account_id)
        return db.select(func.min(Delivery.account_id)).where(*held)

    first = next_after(bindparam("after", type_=BigInteger)).scalar_subquery()
    steps = db.select(first.label("account_id"), literal(1).label("place")).cte(recursive=True)
    further = next_after(steps.c.account_id).correlate(steps).scalar_subquery()
    goes_on = (steps.c.account_id.is_not(None), steps.c.place < bindparam("most"))
    steps = steps.union_all(db.select(further, steps.c.place + 1).where(*goes_on))
    over = db.select(_reasons()[reason]).where(Account.id == steps.c.account_id).scalar_subquery()
    found = db.select(steps.c.account_id, over.label("is_over")).order_by(steps.c.place)
    return BuiltStatement(found.where(steps.c.account_id.is_not(None)))


def _release_some(reason: HoldReason, is_over: Any, account_ids: Sequence[int]) -> None:
    """Release a few thousand rows at most; the next call goes on. Commits."""
    held = (HELD, Delivery.hold_reason == reason, Delivery.account_id.in_(account_ids))
    over = exists().where(Account.id == Delivery.account_id, is_over)
    chosen = db.select(Delivery.id).where(*held, over).limit(ROWS_AT_A_TIME)
    _release(id_in(Delivery.id, db.session.scalars(chosen).all()), *held, over)
    db.session.commit()


def hold_network_rows(network: str) -> None:
    """Hold what is due for a stopped network; commit is the caller's."""
    accounts = db.select(Account.id).where(Account.network == network)
    due = Delivery.not_before <= from_now()
    rows_changed(transitions.hold(HoldReason.NETWORK, Delivery.account_id.in_(accounts), due))


def _held_for(reason: HoldReason) -> tuple[Any, ...]:
    return HELD, Delivery.hold_reason == reason


def _release(*conditions: Any) -> list[str]:
    return list(db.session.scalars(transitions.release(*conditions).returning(Delivery.id)))


def _tolerance_of(account_id: int) -> int:
    owner = db.select(User.late_tolerance).join(Account, Account.user_id == User.id)
    seconds = db.session.scalar(owner.where(Account.id == account_id))
    return int(seconds or current_app.config["LATE_TOLERANCE"])
