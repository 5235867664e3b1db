"""Asks networks, some time before something is due, whether our access still works.

An access that is found dead holds the account, as publishing would; ``search`` tells its owner.
"""

from __future__ import annotations

import logging

from flask import current_app
from sqlalchemy import update

from app.accounts import credentials, holds
from app.background import Run
from app.db import db, from_now, retry_transient, rows_changed
from app.models import Account, Delivery, access_check
from app.networks import LookUpFailed, LookUpRefused, Network, TokenRefused

log = logging.getLogger(__name__)

AT_A_TIME = 50
"""Accounts of one run."""


def check_access(run: Run) -> str:
    """Check the accounts whose time it is; return how many."""
    account_ids = _due()
    checked = 0
    for account_id in account_ids:
        run.advance(0)
        if _take(account_id):
            _check(account_id)
            checked += 1
    return str(checked)


def _due() -> list[int]:
    """Return accounts that have something due soon, and were not checked since it came so near."""
    found: list[int] = []
    for begins, ends in access_check.times(current_app.config["WARN_BEFORE"]):
        query = access_check.wanted([Account.id], begins, ends)
        near = query.where(Delivery.next_at <= from_now(begins), access_check.may_be_asked())
        found += db.session.scalars(near.distinct().limit(AT_A_TIME))
    db.session.commit()
    return sorted(set(found))


def _take(account_id: int) -> bool:
    """Let nobody else check the account for an hour; False when somebody was quicker. Commits."""
    this = (Account.id == account_id, access_check.may_be_asked())
    taken = rows_changed(update(Account).where(*this).values(access_checked_at=from_now()))
    db.session.commit()
    return bool(taken)


def _check(account_id: int) -> None:
    """Ask once, outside of any transaction; what is dead is held."""
    try:
        access = credentials.access_to(account_id)
    except (credentials.NotNow, credentials.NoAccess):
        return  # not known now; or known, and held
    account = db.session.get_one(Account, account_id, populate_existing=True)
    network: Network = current_app.extensions["networks"][account.network]
    db.session.commit()
    try:
        network.who_am_i(access.credentials)
    except TokenRefused as refusal:
        _refused(account_id, network, access, str(refusal))
    except (LookUpFailed, LookUpRefused) as problem:
        log.info(
            "%s did not say whether our access works: %s", network.name, type(problem).__name__
        )


def _refused(account_id: int, network: Network, access: credentials.Access, detail: str) -> None:
    """Refresh what was refused where that can be done; else the access has ended."""
    if not network.can_refresh(access.credentials):
        retry_transient(lambda: _end(account_id, access.version, detail))
        return
    retry_transient(lambda: _doubt(account_id, access.version))
    try:
        credentials.access_to(account_id)
    except (credentials.NotNow, credentials.NoAccess):
        log.info("the access to account %s could not be renewed", account_id)


def _end(account_id: int, version: int, detail: str) -> None:
    holds.hold_account(account_id, version, detail)
    db.session.commit()


def _doubt(account_id: int, version: int) -> None:
    holds.doubt_access(account_id, version)
    db.session.commit()
