"""The slots of an account: times of the week at which what is in its queue goes out.

A slot's moment is free as long as no unfinished delivery of the account is due then, so whatever
ends, is moved or cancelled frees it without a word. Who takes one, or changes who has which, has
locked the account's row first; docs/decisions/0031-slots-are-free-by-the-rows.md says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from app.db import db, from_now, rows_changed, utcnow
from app.models import transitions
from app.models.account import Account
from app.models.delivery import Delivery
from app.states import FINAL, State
from app.when import Coming, Slot, coming

MAX_SLOTS = 336
"""Of an account: one each half an hour."""
MAX_AHEAD = timedelta(days=5 * 366)
"""How far ahead a queue goes."""
OPEN = tuple(sorted(set(State) - FINAL))


class NoSlots(ValueError):
    """An account has no slots, so it has no queue."""

    def __init__(self, account: Account) -> None:
        super().__init__(f"@{account.handle} has no slots: make some first")
        self.network, self.handle = account.network, account.handle


class QueueFull(NoSlots):
    """The next free slot of an account is years ahead."""


def weekly(account: Account) -> list[Slot]:
    """Return the slots of an account, from Monday on."""
    return _read(account.slots)


def _read(stored: Iterable[Sequence[object]] | None) -> list[Slot]:
    return [Slot(int(str(day)), time.fromisoformat(str(wall))) for day, wall in stored or ()]


def choose(account_id: int, slots: Collection[Slot]) -> None:
    """Give an account these slots instead of those it has; commits.

    What is in its queue keeps its times.
    """
    stored = [[day, f"{wall:%H:%M}"] for day, wall in sorted(set(slots))]
    mine = update(Account).where(Account.id == account_id)
    rows_changed(mine.values(slots=stored or None))
    db.session.commit()


def next_free(account: Account, zone: ZoneInfo, most: int) -> list[Coming]:
    """Return the next free moments of an account's slots, as things are now."""
    return list(islice(_free(account.id, weekly(account), zone), most))


def take(accounts: Sequence[Account], zone: ZoneInfo) -> dict[int, datetime]:
    """Return the next free slot of each of these accounts, in UTC, by the account's id.

    Nobody else gets one of them until the caller has ended the transaction, in which a delivery of
    each account must be stored for it.

    :raises NoSlots: an account has none; also QueueFull.
    """
    found = {}
    for account in sorted(accounts, key=lambda one: one.id):  # in the same order for everybody
        slots = lock(account.id)
        if not slots:
            raise NoSlots(account)
        first = next(_free(account.id, slots, zone), None)
        if first is None:
            raise QueueFull(account)
        found[account.id] = first.at
    return found


def lock(account_id: int) -> list[Slot]:
    """Let nobody else take or change slots of an account until the end of this transaction.

    Return its slots, as they are from now on.
    """
    mine = update(Account).where(Account.id == account_id).values(slots=Account.slots)
    unsynchronized = {"synchronize_session": False}
    found = db.session.execute(mine.returning(Account.slots), execution_options=unsynchronized)
    return _read(found.scalar())


def _free(account_id: int, slots: Collection[Slot], zone: ZoneInfo) -> Iterator[Coming]:
    now = utcnow()
    theirs = (Delivery.account_id == account_id, Delivery.state.in_(OPEN))
    taken = set(db.session.scalars(select(Delivery.due_at).where(*theirs, Delivery.due_at > now)))
    end = now + MAX_AHEAD
    near = takewhile(lambda one: one.at <= end, coming(slots, zone, now))
    return (one for one in near if one.at not in taken)


def in_queue(account_id: int) -> tuple[Any, ...]:
    """Return the conditions that a delivery waits for a slot of this account, and was never due."""
    return (
        Delivery.account_id == account_id,
        Delivery.state.in_(transitions.WAITING),
        Delivery.slot_at == Delivery.due_at,
        Delivery.not_before == Delivery.due_at,
        Delivery.attempts == 0,
        Delivery.due_at > from_now(),
    )
