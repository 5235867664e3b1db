"""The record of what operators did: to jobs, and to workers and background tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import joinedload, selectinload

from app.db import db, utcnow
from app.models import OperationsAudit, User

PAGE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some actions; ``next`` is the id before which the others are."""

    actions: Sequence[OperationsAudit]
    next: int | None


def note(by: int, action: str, chosen: dict[str, Any], is_done: bool = True) -> None:
    """Record what an operator did to one thing; the caller commits, together with what was done.

    :param chosen: what it was done to, and how.
    :param is_done: False when the thing was left as it was.
    """
    done = int(is_done)
    counted = {"matched": 1, "done": done, "skipped": 1 - done, "finished_at": utcnow()}
    db.session.add(OperationsAudit(user_id=by, action=action, chosen=chosen, **counted))


def page(before: int | None = None) -> Page:
    """Return the newest actions, of those with a smaller id than ``before``."""
    query = _whole().order_by(OperationsAudit.id.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(OperationsAudit.id < before)
    found = list(db.session.scalars(query))
    return Page(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)


def action(audit_id: int) -> OperationsAudit | None:
    """Return one action."""
    return db.session.scalar(_whole().where(OperationsAudit.id == audit_id))


def _whole() -> Select[Any]:
    accounts = joinedload(OperationsAudit.user).options(selectinload(User.accounts))
    return db.select(OperationsAudit).options(accounts)
