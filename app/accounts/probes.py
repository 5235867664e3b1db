"""Asks a stopped network, with one cheap read, whether it accepts this app again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from flask import current_app

from app import broker
from app.accounts import credentials, holds
from app.accounts.transactions import rows_of, value_of
from app.db import BuiltStatement, db, from_now, rows_changed
from app.models import Account, Health, NetworkBlock
from app.networks import LookUpFailed, LookUpRefused, Network, TokenRefused


def due_probes() -> list[str]:
    """Return stopped networks that are due for a probe; end pauses that are over."""
    due = _due().read({})
    if not all(row.holds for row in due):
        is_due = NetworkBlock.probe_at <= from_now()
        rows_changed(db.delete(NetworkBlock).where(~NetworkBlock.holds, is_due))
        db.session.commit()
    return [row.network for row in due if row.holds]


@cache
def _due() -> BuiltStatement:
    is_due = NetworkBlock.probe_at <= from_now()
    return BuiltStatement(db.select(NetworkBlock.network, NetworkBlock.holds).where(is_due))


def probe(names: Sequence[str]) -> None:
    """Probe stopped networks; release the deliveries held for those that answer."""
    for name in names:
        _probe(name)


def _probe(name: str) -> None:
    next_probe = _begin(name)
    if next_probe is None:
        return  # another worker asks
    network: Network = current_app.extensions["networks"][name]
    usable = db.select(Account.id).where(Account.network == name, Account.health == Health.OK)
    accounts = rows_of(usable.order_by(Account.id.desc()).limit(3))
    if not any(_can_read(network, account.id) for account in accounts):
        return
    released = holds.release_network(name, next_probe)
    db.session.commit()
    broker.notify_jobs(released[:8])


def _begin(name: str) -> datetime | None:
    """Return when the next probe is due; None when another worker is probing now."""
    due = (NetworkBlock.network == name, NetworkBlock.probe_at <= from_now())
    later = {"probes": NetworkBlock.probes + 1, "probe_at": from_now(holds.LATER_PROBES)}
    begun = db.update(NetworkBlock).where(*due).values(later).returning(NetworkBlock.probe_at)
    return value_of(begun)


def _can_read(network: Network, account_id: int) -> bool:
    try:
        network.who_am_i(credentials.access_to(account_id).credentials)
    except (LookUpFailed, LookUpRefused, TokenRefused, credentials.NotNow, credentials.NoAccess):
        return False
    return True
