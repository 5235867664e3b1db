"""After a restored backup: ask owners about what may have been sent, instead of sending it.

docs/backup.md says when and how; docs/delivery.md lists the transitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Update, or_, update

from app.db import db, id_in, retry_transient
from app.models import Delivery, transitions
from app.states import HoldReason, State

AT_A_TIME = 500
"""Rows in one statement, so that none takes long."""

WAITING = or_(
    Delivery.state.in_((State.SCHEDULED, State.CLAIMED)),
    (Delivery.state == State.HELD) & (Delivery.hold_reason != HoldReason.LATE),
)
"""States from which a delivery would be sent later, without its owner doing anything."""
UNDER_WAY = Delivery.state.in_((State.SENDING, State.UNCONFIRMED)) & ~Delivery.asks_first
"""What is looked up, since the network may have it."""


class Doubted(NamedTuple):
    """How many deliveries now wait for their owners, and how many are looked up first."""

    held: int
    looked_up: int


def hold_due_before(moment: datetime) -> Doubted:
    """Ask owners about everything that may have been sent after the backup was made.

    Safe while workers run: a claim that is removed here can no longer be sent, and what is being
    sent stays, to be looked up. May be repeated.

    :param moment: only what was due before it; aware.
    """
    due = Delivery.due_at < moment
    asking = update(Delivery).where(due, UNDER_WAY).values(asks_first=True)
    return Doubted(
        _run_all((due, WAITING), transitions.hold_in_doubt(due, WAITING)),
        _run_all((due, UNDER_WAY), asking),
    )


def _run_all(conditions: Sequence[Any], statement: Update) -> int:
    """Change every row under these conditions, which must end with that; return how many."""
    changed = 0
    while found := retry_transient(partial(_ids, conditions)):
        changed += len(retry_transient(partial(_run, found, statement)))
    return changed


def _ids(conditions: Sequence[Any]) -> list[str]:
    query = db.select(Delivery.id).where(*conditions).order_by(Delivery.id).limit(AT_A_TIME)
    found = list(db.session.scalars(query))
    db.session.commit()
    return found


def _run(found: list[str], statement: Update) -> list[str]:
    some = statement.where(id_in(Delivery.id, found)).returning(Delivery.id)
    changed = list(db.session.scalars(some, execution_options={"synchronize_session": False}))
    db.session.commit()
    return changed
