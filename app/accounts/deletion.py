"""Somebody asks us to delete them, and may change their mind until the time is over."""

from __future__ import annotations

from datetime import datetime

from flask import current_app
from sqlalchemy import update

from app.accounts import audit
from app.accounts.audit import Visit
from app.accounts.closing import close_due
from app.accounts.erasing import closed, erase
from app.db import db, from_now, rows_changed
from app.models import HELD, Account, Delivery, EventKind, User, transitions
from app.states import HoldReason

__all__ = ["begin", "close_due", "closed", "erase", "keep"]


def begin(user_id: int, visit: Visit) -> datetime:
    """Delete somebody after ``DELETE_AFTER``, and return when that is; commits.

    Nothing of theirs is begun from now on (``is_leaving``). Asked again, the moment stays.
    """
    this = User.id == user_id
    later = from_now(current_app.config["DELETE_AFTER"])
    asked = update(User).where(this, User.delete_at.is_(None)).values(delete_at=later)
    if rows_changed(asked):
        audit.note(EventKind.DELETION_ASKED, visit, user_id)
    at = db.session.scalars(db.select(User.delete_at).where(this)).one()
    db.session.commit()
    assert at is not None
    return at


def keep(user_id: int, visit: Visit) -> bool:
    """Let somebody stay, and commit; False when the time is over.

    What was due meanwhile asks them; what is due later goes out at its time.
    """
    this = (User.id == user_id, User.delete_at > from_now())
    if not rows_changed(update(User).where(*this).values(delete_at=None)):
        at = db.session.scalar(db.select(User.delete_at).where(User.id == user_id))
        db.session.rollback()
        return at is None
    mine = Delivery.account_id.in_(db.select(Account.id).where(Account.user_id == user_id))
    held = (HELD, Delivery.hold_reason == HoldReason.DELETION, mine)
    missed = Delivery.due_at <= from_now()
    rows_changed(update(Delivery).where(*held, missed).values(hold_reason=HoldReason.LATE))
    rows_changed(transitions.hold(HoldReason.LATE, mine, missed))
    rows_changed(transitions.release(*held))
    audit.note(EventKind.DELETION_TAKEN_BACK, visit, user_id)
    db.session.commit()
    return True
