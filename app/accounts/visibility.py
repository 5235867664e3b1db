"""Who sees what an account publishes."""

from __future__ import annotations

from sqlalchemy import update

from app.db import db, rows_changed
from app.models import Account


def choose(account_id: int, visibility: str) -> None:
    """Set who may see everything sent from now on, as the network's own value.

    :param visibility: "" for what the account says itself.
    """
    rows_changed(update(Account).where(Account.id == account_id).values(visibility=visibility))
    db.session.commit()
