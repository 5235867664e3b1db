"""Fresh credentials for an account: one worker refreshes, the others wait for it.

A refresh token can be used only once, and a network may end an access when a used token is sent
again. The lock is a lease on the account's row, not a database lock, because no transaction may
stay open during a network call. A worker whose lease is over makes no call.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import NoReturn

from flask import current_app
from sqlalchemy import Integer, or_, update
from sqlalchemy.orm import undefer

from app.accounts import holds
from app.accounts.transactions import change, value_of
from app.db import (
    EPOCH,
    BuiltStatement,
    db,
    from_now,
    given_rows,
    retry_transient,
    rows_changed,
    table_given,
)
from app.models import Account, Delivery, Health
from app.networks import (
    AppRefused,
    Credentials,
    Network,
    RefreshUnclear,
    TokenRefused,
    host_in,
    http,
)
from app.states import State

log = logging.getLogger(__name__)

MAX_REFRESH_REST_SECONDS = 300.0
"""Seconds after which a refresh is tried again at the latest, whatever the network asked for."""
MAX_END_SECONDS = 10_000_000_000.0
"""Since 1970: beyond it, what a network says is no moment that matters."""


class NotNow(Exception):
    """There are no usable credentials now; try again in ``after`` seconds."""

    def __init__(self, after: float) -> None:
        super().__init__()
        self.after = after


class NoAccess(Exception):
    """There are none until a person acts. The deliveries are already held."""


@dataclass(frozen=True, slots=True)
class Access:
    """Credentials and their version: a refusal applies to this version only."""

    credentials: Credentials
    version: int


def usable_accesses(network: Network, account_ids: Sequence[int]) -> dict[int, Access]:
    """Return the credentials of those of these accounts that need no refresh; does not commit."""
    if not account_ids:
        return {}
    return {
        row.id: Access(row.credentials, row.credentials_version)
        for row in _fresh().run({"wanted": given_rows([(one,) for one in account_ids])})
        if row.credentials and not network.is_expired(row.credentials)
    }


@cache
def _fresh() -> BuiltStatement:
    columns = (Account.id, Account.credentials, Account.credentials_version)
    wanted = table_given("wanted", {"account_id": Integer()})
    meant = Account.id.in_(db.select(wanted.c.account_id))
    return BuiltStatement(db.select(*columns).where(meant, ~Account.credentials_stale))


def access_to(account_id: int) -> Access:
    """Return credentials that the network should accept; refresh them first if expired.

    :raises NotNow: another worker is refreshing, or the refresh had no clear answer.
    :raises NoAccess: the account needs its owner, or the network its operator.
    """
    with_credentials = [undefer(Account.credentials)]
    account = db.session.get_one(
        Account, account_id, options=with_credentials, populate_existing=True
    )
    network: Network = current_app.extensions["networks"][account.network]
    credentials, version = account.credentials, account.credentials_version
    if credentials and not (account.credentials_stale or network.is_expired(credentials)):
        db.session.commit()  # no transaction may stay open during the caller's network call
        return Access(credentials, version)
    if not network.can_refresh(credentials):
        _end_access(account_id, version, "the access token is over")
    began = http.boottime()
    lease = _take_lease(account_id, version)
    if lease is None:
        raise NotNow(after=0.5)
    return _refresh(network, account_id, Access(credentials, version), lease, began)


def access_to_read(account_id: int) -> Access:
    """Like ``access_to``, but may return an ended access: enough to read public data.

    :raises NotNow: as ``access_to``.
    :raises NoAccess: there is not even an ended access.
    """
    try:
        return access_to(account_id)
    except NoAccess:
        account = db.session.get_one(Account, account_id, populate_existing=True)
        ended = Access(account.credentials, account.credentials_version)
        db.session.commit()
        if not ended.credentials:
            raise
        return ended


def _refresh(
    network: Network, account_id: int, old: Access, lease: datetime, began: float
) -> Access:
    version = old.version
    try:
        fresh = _ask_twice(network, old.credentials, began)
    except TokenRefused as refusal:
        return _newer_access(account_id, version, str(refusal))
    except AppRefused as refusal:
        is_news = http.boottime() < began + current_app.config["LEASE"]
        if is_news:
            holds.stop_network(network.name, "app_forbidden", str(refusal))
            holds.hold_network_rows(network.name)
        _leave_lease(account_id, lease)
        raise (NoAccess if is_news else NotNow(after=0)) from refusal
    except RefreshUnclear as silence:
        _leave_lease(account_id, lease)
        _tell(account_id, "rate_limited" if silence.retry_after else "unreachable")
        raise NotNow(after=min(MAX_REFRESH_REST_SECONDS, silence.retry_after or 5)) from silence
    if not retry_transient(lambda: _store(network, account_id, version, fresh)):
        raise NotNow(after=0.5)
    return Access(fresh, version + 1)


def _ask_twice(network: Network, credentials: Credentials, began: float) -> Credentials:
    """Refresh; after a lost answer ask once more, to learn whether the token was used.

    :param began: when the lease began, or a moment before it, on http.boottime().
    """
    start_by = began + current_app.config["START_DEADLINE"]
    try:
        return network.refresh(credentials, start_by)
    except RefreshUnclear as silence:
        if silence.retry_after is not None:
            raise
        log.info("refresh without an answer, asking once more: %s", silence)
        return network.refresh(credentials, start_by + current_app.config["SEND_TIMEOUT"])


def _newer_access(account_id: int, version: int, detail: str) -> Access:
    """Return credentials that another worker has stored since; else the refresh token is dead.

    :raises NoAccess: it is.
    """
    account = db.session.get_one(Account, account_id, populate_existing=True)
    if account.credentials_version == version or account.needs_reconnect:
        _end_access(account_id, version, detail)
    return Access(account.credentials, account.credentials_version)


def _end_access(account_id: int, version: int, detail: str) -> NoReturn:
    """Hold everything of the account and raise NoAccess."""

    def end() -> None:
        if holds.hold_account(account_id, version, detail):
            this = update(Account).where(Account.id == account_id)
            rows_changed(this.values(refresh_lease_until=None))
        db.session.commit()

    retry_transient(end)
    raise NoAccess


def _take_lease(account_id: int, version: int) -> datetime | None:
    """Return when the lease ends; None when another worker has it. It covers two calls."""
    is_free = or_(Account.refresh_lease_until.is_(None), Account.refresh_lease_until < from_now())
    return value_of(
        update(Account)
        .where(Account.id == account_id, Account.credentials_version == version, is_free)
        .values(refresh_lease_until=from_now(current_app.config["LEASE"]))
        .returning(Account.refresh_lease_until)
    )


def _leave_lease(account_id: int, lease: datetime) -> None:
    """End our lease, so that others may refresh; leave a lease that another has taken since."""
    mine = (Account.id == account_id, Account.refresh_lease_until == lease)
    retry_transient(lambda: change(Account, *mine, refresh_lease_until=None))


def _tell(account_id: int, code: str) -> None:
    """Store the reason for waiting in the deliveries claimed for this account."""
    claimed = (Delivery.account_id == account_id, Delivery.state == State.CLAIMED)
    retry_transient(lambda: change(Delivery, *claimed, error_code=code, error_detail=None))


def ends_at(network: Network, credentials: Credentials) -> datetime | None:
    """Return when an access ends for good, in UTC; None where that is not known."""
    return moment_of(network.access_ends_at(credentials))


def moment_of(seconds: float | None) -> datetime | None:
    """Return a network's seconds since 1970 as a moment that can be stored, in UTC."""
    return None if seconds is None else EPOCH + timedelta(seconds=min(seconds, MAX_END_SECONDS))


def _store(network: Network, account_id: int, version: int, fresh: Credentials) -> bool:
    """Store a new access, even if another worker has failed with the old one since."""
    return change(
        Account,
        Account.id == account_id,
        Account.credentials_version == version,
        credentials=fresh,
        host=host_in(fresh),
        credentials_version=version + 1,
        access_ends_at=ends_at(network, fresh),
        credentials_stale=False,
        refresh_lease_until=None,
        health=Health.OK,
        last_error=None,
        last_error_at=None,
    )
