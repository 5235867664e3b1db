"""What operators pause and how they end it. Each of both is a line in the record."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import joinedload, selectinload

from app.db import db
from app.delivery import pauses
from app.kinds import QUEUES
from app.models import Account, OperationsAudit, Pause, User, pause
from app.operations import audit, counts
from app.operations.audit import PAGE

MOST_COUNTED = 10_000
PATIENCE = 2.0
"""Seconds for which the answer waits until what was held goes on; workers do the rest."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some pauses; ``next`` is the id before which the others are."""

    pauses: Sequence[Pause]
    next: int | None


class UnknownValue(ValueError):
    """There is no such network, queue or account."""


class Ended(Exception):
    """The pause has ended in another way, or it is too late to undo it."""


def begin(scope: pause.Scope, value: str, by: int, networks: Sequence[str]) -> Pause:
    """Pause something; the same again is the same pause.

    :param value: a network, a queue, an account's id or handle; ignored for everything.
    :param by: the operator.
    :raises UnknownValue: there is no such thing.
    """
    meant = _meant(scope, value.strip(), networks)
    pause_id, is_new = pauses.begin(scope, meant, by)
    if is_new:
        audit.note(by, "pause", {"scope": scope, **({"value": meant} if meant else {})})
        db.session.commit()
    counts.count_anew()
    return found(pause_id)


def _meant(scope: pause.Scope, value: str, networks: Sequence[str]) -> str:
    if scope == pause.Scope.ALL:
        return ""
    if scope == pause.Scope.ACCOUNT:
        return str(_account_id(value))
    if value not in (networks if scope == pause.Scope.NETWORK else QUEUES):
        raise UnknownValue
    return value


def _account_id(value: str) -> int:
    by_id = value.isdecimal() and len(value) < 16
    called = db.func.lower(Account.handle) == value.removeprefix("@").lower()
    same = Account.id == int(value) if by_id else called
    accounts = list(db.session.scalars(db.select(Account.id).where(same, Account.connected)))
    if len(accounts) != 1:
        raise UnknownValue
    return accounts[0]


def undo(pause_id: int, by: int) -> Pause:
    """End a pause as if it had never been, within ten seconds.

    :raises Ended: it is too late, or somebody has ended it in another way.
    :raises LookupError: there is no such pause.
    """
    _end(pause_id, pause.Then.UNDO, by, "undo_pause")
    return found(pause_id)


def resume(pause_id: int, then: pause.Then, by: int) -> OperationsAudit:
    """End a pause; what it held is sent, moved or discarded, and counted in the record.

    :raises Ended: somebody has ended it in another way.
    :raises LookupError: there is no such pause.
    """
    return _end(pause_id, then, by, f"resume_{then}")


def _end(pause_id: int, then: pause.Then, by: int, action: str) -> OperationsAudit:
    before = found(pause_id)
    chosen = {"pause": pause_id, "scope": before.scope}
    chosen |= {"value": before.value} if before.value else {}
    held = len(pauses.held_by(pause_id, MOST_COUNTED))
    record = OperationsAudit(user_id=by, action=action, chosen=chosen, matched=held)
    db.session.add(record)
    db.session.flush()
    if not pauses.end(pause_id, then, record.id):
        db.session.rollback()
        return _ended_before(pause_id, then)
    db.session.commit()
    audit_id = record.id
    _settle()
    counts.count_anew()
    return db.session.get_one(OperationsAudit, audit_id, populate_existing=True)


def _ended_before(pause_id: int, then: pause.Then) -> OperationsAudit:
    """Return the record of a pause that was ended in this way: of a double click."""
    ended = found(pause_id)
    if ended.then != then or ended.audit_id is None:
        raise Ended
    return db.session.get_one(OperationsAudit, ended.audit_id)


def _settle() -> None:
    """Let go on what ended pauses held, as far as that takes a moment."""
    ends = time.monotonic() + PATIENCE
    while pauses.settle() and time.monotonic() < ends:
        pass


def found(pause_id: int) -> Pause:
    """Return a pause with who made it.

    :raises LookupError: there is none with this id.
    """
    one = db.session.scalar(_whole().where(Pause.id == pause_id))
    if one is None:
        raise LookupError(pause_id)
    return one


def lasting() -> list[Pause]:
    """Return the pauses that last, oldest first."""
    return list(db.session.scalars(_whole().where(pause.LASTING).order_by(Pause.id)))


def page(before: int | None = None) -> Page:
    """Return the newest pauses that last, of those with a smaller id than ``before``."""
    query = _whole().where(pause.LASTING).order_by(Pause.id.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(Pause.id < before)
    found = list(db.session.scalars(query))
    return Page(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


def held_by(pause_id: int) -> int:
    """Return how many deliveries go on when this pause ends, counting to MOST_COUNTED."""
    return len(pauses.held_by(pause_id, MOST_COUNTED))


def accounts_of(some: Sequence[Pause]) -> dict[str, Account]:
    """Return the accounts that pauses are about, by the pauses' values."""
    ids = [int(one.value) for one in some if one.scope == pause.Scope.ACCOUNT]
    accounts = db.session.scalars(db.select(Account).where(Account.id.in_(ids))) if ids else ()
    return {str(account.id): account for account in accounts}


def _whole() -> Select[Any]:
    by = joinedload(Pause.user).options(selectinload(User.accounts))
    return db.select(Pause).options(by).execution_options(populate_existing=True)
