"""Learning who connected an account in times when nobody asked, so that they can come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import update

from app.db import db, rows_changed
from app.models import Account
from app.networks.base import Connection, Credentials, LookUpFailed
from app.services import doors

MOST = 3
"""Accounts of one sign-in that are asked about: somebody waits for the page."""


def learn(site: Any, connections: Sequence[Connection]) -> None:
    """Ask the network who gave us the accounts that these people now show us again.

    Only where that is not known, and only networks whose accounts are shared can say: the others
    name their owner themselves. No transaction is open meanwhile.
    """
    ask = getattr(site, "connected_by", None)
    if ask is None:
        return
    for account_id, credentials in _unknown(site.name, connections):
        try:
            person_id = ask(credentials)
        except LookUpFailed:
            continue
        if person_id:
            _note(account_id, person_id)


def _unknown(network: str, connections: Sequence[Connection]) -> list[tuple[int, Credentials]]:
    shown = {connection.profile.remote_id for connection in connections}
    rows = db.session.execute(
        db.select(Account.id, Account.credentials)
        .where(Account.network == network, Account.connected, Account.person_id == "")
        .where(Account.remote_id.in_(shown))
        .order_by(Account.id)
        .limit(MOST)
    ).all()
    db.session.commit()
    return [(row.id, row.credentials) for row in rows]


def _note(account_id: int, person_id: str) -> None:
    """Keep who it was; they sign in by it if nothing else lets them in."""
    unknown = (Account.id == account_id, Account.connected, Account.person_id == "")
    if rows_changed(update(Account).where(*unknown).values(person_id=person_id)):
        account = db.session.get_one(Account, account_id, populate_existing=True)
        has_door = doors.opening(doors.accounts_of(account.user_id))
        if not has_door and not doors.opens_another(account, account.user_id):
            account.signs_in = True
    db.session.commit()
