"""What a restored backup leaves in doubt: put before its owners, instead of being sent again.

docs/backup.md says when and how; docs/delivery.md has the arrows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import or_, update

from app.db import db, id_in, retry_transient
from app.models import DOUBTED, Delivery
from app.states import HoldReason, State

AT_A_TIME = 500
"""Rows in one statement, so that none takes long."""

WAITING = or_(
    Delivery.state.in_((State.SCHEDULED, State.CLAIMED)),
    (Delivery.state == State.HELD) & (Delivery.hold_reason != HoldReason.LATE),
)
"""What would go out by itself: at its time, or when its account or its network comes back."""
UNDER_WAY = Delivery.state.in_((State.SENDING, State.UNCONFIRMED)) & ~Delivery.asks_first
"""What is looked up, since the network may have it."""


class Doubted(NamedTuple):
    """How many deliveries were put before their owners, and how many are looked up first."""

    held: int
    looked_up: int


def hold_due_before(moment: datetime) -> Doubted:
    """Put everything that may have been sent after the backup was taken before its owners.

    Safe beside running workers: a claim that is taken away here cannot be sent any more, and what
    is being sent stays, to be looked up. Repeatable.

    :param moment: only what was due before it; aware.
    """
    due = Delivery.due_at < moment
    held = {**DOUBTED, "owner": None, "lease_until": None, "rings": 0}
    return Doubted(
        _change_all((due, WAITING), held), _change_all((due, UNDER_WAY), {"asks_first": True})
    )


def _change_all(conditions: Sequence[Any], values: dict[str, Any]) -> int:
    """Change every row under these conditions, which must end with that; return how many."""
    changed = 0
    while found := retry_transient(partial(_ids, conditions)):
        changed += len(retry_transient(partial(_change, found, conditions, values)))
    return changed


def _ids(conditions: Sequence[Any]) -> list[str]:
    query = db.select(Delivery.id).where(*conditions).order_by(Delivery.id).limit(AT_A_TIME)
    found = list(db.session.scalars(query))
    db.session.commit()
    return found


def _change(found: list[str], conditions: Sequence[Any], values: dict[str, Any]) -> list[str]:
    statement = update(Delivery).where(id_in(Delivery.id, found), *conditions).values(values)
    statement = statement.returning(Delivery.id).execution_options(synchronize_session=False)
    changed = list(db.session.scalars(statement))
    db.session.commit()
    return changed
