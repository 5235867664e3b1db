"""Recognising who connected a Page before anybody asked, by the token that they left here."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

from sqlalchemy import exists, update
from sqlalchemy.orm import aliased, undefer

from app.db import db, rows_changed
from app.models import Account
from app.networks.base import Connection, LookUpFailed, Network

PATIENCE = 10.0
"""Seconds for all accounts of one sign-in: somebody waits for the page."""
MAX_ASKED = 20


def recognise(network: Network, connections: Sequence[Connection]) -> None:
    """Let the person of these connections sign in as who they were here already.

    Accounts of which nobody asked who connected them open no door. Whoever has no other way in is
    asked for by their tokens: when all of them are of this very person, it is them. When some are
    somebody else's, two people have shared the user, and nobody can tell whose it is.
    """
    person_ids = {connection.profile.person_id for connection in connections} - {""}
    if len(person_ids) != 1:
        return
    (person_id,) = person_ids
    remote_ids = [connection.profile.remote_id for connection in connections]
    ends_at = time.monotonic() + PATIENCE
    for user_id in _users_without_a_door(network.name, remote_ids):
        versions = _versions_if_all_of(network, user_id, person_id, ends_at)
        for account_id, version in versions.items():
            _remember(account_id, version, person_id)
        db.session.commit()


def _users_without_a_door(network: str, remote_ids: Collection[str]) -> list[int]:
    """Return whose accounts these are, of those who cannot sign in by any account."""
    door = aliased(Account)
    statement = db.select(Account.user_id).where(
        Account.network == network,
        Account.remote_id.in_(remote_ids),
        Account.connected,
        Account.person_id == "",
        ~exists().where(door.user_id == Account.user_id, door.connected, door.signs_in),
    )
    found = list(db.session.scalars(statement.distinct()))
    db.session.commit()
    return found


def _versions_if_all_of(
    network: Network, user_id: int, person_id: str, ends_at: float
) -> dict[int, int]:
    """Return the accounts whose tokens are this person's, with the version of what was asked.

    Nothing when one of the user's is somebody else's, or could not be asked in time.
    """
    statement = db.select(Account).where(
        Account.user_id == user_id,
        Account.network == network.name,
        Account.connected,
        Account.person_id == "",
    )
    accounts = list(db.session.scalars(statement.options(undefer(Account.credentials))))
    asked = [(each.id, each.credentials_version, each.credentials) for each in accounts]
    db.session.commit()  # the network may take long: no transaction stays open meanwhile
    versions: dict[int, int] = {}
    for account_id, version, credentials in asked[:MAX_ASKED]:
        try:
            told = network.connected_by(credentials)
        except LookUpFailed:
            return {}
        if told not in {"", person_id} or time.monotonic() > ends_at:
            return {}
        if told:
            versions[account_id] = version
    return versions


def _remember(account_id: int, version: int, person_id: str) -> None:
    """Note who connected an account, unless it was connected anew meanwhile."""
    is_the_same = (
        Account.id == account_id,
        Account.credentials_version == version,
        Account.connected,
        Account.person_id == "",
    )
    rows_changed(update(Account).where(*is_the_same).values(person_id=person_id, signs_in=True))
