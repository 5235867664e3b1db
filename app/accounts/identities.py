"""Finds who connected a Page before we stored this, so that they can sign in again."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import aliased

from app.accounts.transactions import rows_of
from app.db import db, rows_changed
from app.models import Account
from app.networks import Connection, LookUpFailed

MAX_IDENTIFY_SECONDS = 10.0
"""Seconds for all accounts of one sign-in: somebody waits for the page."""
MAX_ASKED = 20


def learn(network: Any, connections: Sequence[Connection]) -> None:
    """Find out whether the same person has connected these accounts before, and store it.

    The network can tell who gave each stored token. If all tokens of a user come from this person,
    the user is this person, and may sign in with these accounts if no other account allows it. If
    one token is from another person, two people have shared the user. The last one replaced the
    tokens of shared accounts, so nobody can tell whose user it is. No transaction is open here.

    :param network: of it, ``name`` and ``connected_by`` are used.
    """
    person_ids = {connection.profile.person_id for connection in connections} - {""}
    if len(person_ids) != 1:
        return
    (person_id,) = person_ids
    remote_ids = [connection.profile.remote_id for connection in connections]
    ends_at = time.monotonic() + MAX_IDENTIFY_SECONDS
    for user_id in _users_of(network.name, remote_ids):
        for account_id, version in _asked(network, user_id, person_id, ends_at).items():
            _note(account_id, version, person_id)
        db.session.commit()


def _users_of(network: str, remote_ids: Collection[str]) -> list[int]:
    """Return whose these accounts are, where nobody knows who connected them."""
    theirs = Account.remote_id.in_(remote_ids)
    statement = db.select(Account.user_id).where(*_unknown(network), theirs)
    return [row.user_id for row in rows_of(statement.distinct().order_by(Account.user_id))]


def _asked(network: Any, user_id: int, person_id: str, ends_at: float) -> dict[int, int]:
    """Return the accounts whose tokens are this person's, with the version of what was asked.

    Nothing when one of the user's is somebody else's, or could not be asked in time.
    """
    columns = (Account.id, Account.credentials_version, Account.credentials)
    theirs = (*_unknown(network.name), Account.user_id == user_id)
    versions: dict[int, int] = {}
    for account_id, version, credentials in rows_of(db.select(*columns).where(*theirs)):
        if len(versions) >= MAX_ASKED or time.monotonic() > ends_at:
            return {}
        try:
            told = network.connected_by(credentials)
        except LookUpFailed:
            return {}
        if told not in {"", person_id}:
            return {}
        if told:
            versions[account_id] = version
    return versions


def _note(account_id: int, version: int, person_id: str) -> None:
    """Store who connected an account, unless it was connected again since."""
    sign_in_account = aliased(Account)
    has_sign_in_account = exists().where(
        sign_in_account.connected,
        sign_in_account.signs_in,
        or_(
            sign_in_account.user_id == Account.user_id,
            (sign_in_account.network == Account.network) & (sign_in_account.person_id == person_id),
        ),
        sign_in_account.id != Account.id,
    )
    opens = db.session.scalar(select(~has_sign_in_account).where(Account.id == account_id))
    is_the_same = (*_unknown(), Account.id == account_id, Account.credentials_version == version)
    values = {"person_id": person_id, "signs_in": bool(opens)}
    rows_changed(update(Account).where(*is_the_same).values(values))


def _unknown(network: str | None = None) -> tuple[Any, ...]:
    of_network = () if network is None else (Account.network == network,)
    return (*of_network, Account.connected, Account.person_id == "")
