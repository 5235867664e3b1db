"""Who sees what an account publishes."""

from __future__ import annotations

from sqlalchemy import update

from app.db import db, rows_changed
from app.models import Account


def choose(account_id: int, visibility: str) -> None:
    """Let everything that is sent from now on be seen by these, in the network's own word.

    :param visibility: "" for what the account says itself.
    """
    rows_changed(update(Account).where(Account.id == account_id).values(visibility=visibility))
    db.session.commit()
