"""Who sees what an account publishes."""

from __future__ import annotations

from app.accounts.transactions import change
from app.models import Account


def choose(account_id: int, visibility: str) -> None:
    """Set who may see everything sent from now on, as the network's own value.

    :param visibility: "" for what the account says itself.
    """
    change(Account, Account.id == account_id, visibility=visibility)
