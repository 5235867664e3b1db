"""The end of the time in which somebody may keep their account: they are signed out for good.

It is one transaction, and comes before a sign-in, too. So from ``delete_at`` on whoever signs in is
a new person, also while no worker runs. What is left is deleted by workers (erasing.py).
"""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import delete, or_, update

from app import background
from app.accounts import sign_in_methods
from app.db import EPOCH, db, from_now, read, rows_changed
from app.models import (
    Account,
    Delivery,
    EmailAddress,
    EmailLink,
    Health,
    Mail,
    PendingConnection,
    Unsubscription,
    User,
    UserSession,
    mail,
    transitions,
)

log = logging.getLogger(__name__)

IMPORT = "import"
"""The kind of background work that reads an account at intervals."""


def close_due() -> None:
    """Close everybody whose time is over; one look into an index when there is nobody."""
    over = db.select(User.id).where(User.delete_at.is_not(None), User.delete_at <= from_now())
    is_open = or_(
        db.exists().where(Account.user_id == User.id, Account.connected),
        db.exists().where(UserSession.user_id == User.id),
        db.exists().where(EmailAddress.user_id == User.id),
    )
    for row in read(over.where(is_open), {}):
        _close(row.id)


def _close(user_id: int) -> None:
    """Let nothing of somebody sign in, be sent or be read any more, and commit."""
    sign_in_methods.lock(user_id)
    mine = db.select(Account.id).where(Account.user_id == user_id)
    rows_changed(delete(UserSession).where(UserSession.user_id == user_id))
    _forget_address(user_id)
    for account_id in db.session.scalars(mine).all():
        background.end_intervals(IMPORT, str(account_id))
    # Its access is kept until it has been ended at the network: not the end of a disconnection.
    gone: dict[str, Any] = {"connected": False, "signs_in": False, "avatar": None}
    gone |= {"health": Health.RECONNECT, "last_error": None, "last_error_at": None}
    rows_changed(update(Account).where(Account.user_id == user_id).values(gone))
    rows_changed(transitions.disconnect(Delivery.account_id.in_(mine)))
    waiting = PendingConnection.user_id == user_id
    rows_changed(update(PendingConnection).where(waiting).values(created_at=EPOCH))
    db.session.commit()
    log.info("user %s is signed out for good, and is deleted now", user_id)


def _forget_address(user_id: int) -> None:
    """Delete somebody's address, and what names it without naming them."""
    row = db.session.get(EmailAddress, user_id, populate_existing=True)
    known = [one for one in (row.address, row.waiting) if one] if row else []
    who = [mail.of_user(user_id), *(mail.of_address(address) for address in known)]
    rows_changed(delete(EmailLink).where(EmailLink.address.in_(known)))
    rows_changed(delete(Mail).where(or_(Mail.address.in_(known), Mail.user_id == user_id)))
    keys = [Mail.key.startswith(f"reminder:{one}:", autoescape=True) for one in who]
    rows_changed(delete(Mail).where(or_(*keys)))
    rows_changed(delete(Unsubscription).where(Unsubscription.recipient.in_(who)))
    rows_changed(delete(EmailAddress).where(EmailAddress.user_id == user_id))
