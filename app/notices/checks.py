"""Asks networks, some time before something is due, whether our access still works.

An access that is found dead holds the account, as publishing would; ``search`` tells its owner.
"""

from __future__ import annotations

import logging
from typing import Any

from flask import current_app
from sqlalchemy import or_, select, update

from app.accounts import credentials, holds
from app.background import Run
from app.db import db, from_now, retry_transient, rows_changed
from app.models import Account, Delivery, Health
from app.networks import LookUpFailed, LookUpRefused, Network, TokenRefused
from app.states import State

log = logging.getLogger(__name__)

SELDOM_SECONDS = 3600.0
"""Between two checks of an account, at least: in some networks each read costs."""
LATE_SECONDS = 600.0
"""By which a check may be late, as nobody ran. Else it is left out: the next one is near."""
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
    for before in current_app.config["WARN_BEFORE"]:
        found += db.session.scalars(_whose_tweets_come_near(before))
    db.session.commit()
    return sorted(set(found))


def _whose_tweets_come_near(before: float) -> Any:
    """Return the query for accounts with something due in so many seconds, or a little less."""
    least = max(before / 2, before - LATE_SECONDS)
    near = (Delivery.next_at <= from_now(before), Delivery.next_at > from_now(least))
    since = Delivery.next_at > Account.access_checked_at + round(before * 1000)
    unchecked = or_(Account.access_checked_at.is_(None), since)
    usable = (Account.connected, Account.health == Health.OK, _may_be_asked())
    theirs = select(Account.id).join(Delivery, Delivery.account_id == Account.id)
    scheduled = theirs.where(Delivery.state == State.SCHEDULED, *near)
    return scheduled.where(*usable, unchecked).distinct().limit(AT_A_TIME)


def _may_be_asked() -> Any:
    lately = Account.access_checked_at > from_now(-SELDOM_SECONDS)
    return or_(Account.access_checked_at.is_(None), ~lately)


def _take(account_id: int) -> bool:
    """Let nobody else check the account for an hour; False when somebody was quicker. Commits."""
    this = (Account.id == account_id, _may_be_asked())
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
