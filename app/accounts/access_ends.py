"""When our access to accounts ends, for the warning before a tweet that is due later.

Some networks say it with the access: that is stored when an account is connected, and here for
accounts that were connected before it was. Others are asked, once a day, as the moment may move.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import or_

from app.accounts.credentials import moment_of
from app.accounts.transactions import change, rows_of
from app.db import db, utcnow
from app.models import USABLE, Account
from app.networks import LookUpFailed, LookUpRefused, Network, TokenRefused

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=1)
ASKED_AGAIN_AFTER = timedelta(minutes=30)
"""When the network did not say."""
AT_ONCE = 8


def outdated() -> list[int]:
    """Return some accounts of which this is unknown, or was asked more than a day ago."""
    wanted = (USABLE, _is_old())
    return [row.id for row in rows_of(db.select(Account.id).where(*wanted).limit(AT_ONCE))]


def find_out(account_ids: Sequence[int]) -> None:
    """Store when access ends; if the network does not say, what was known stays."""
    for account_id in account_ids:
        this, again_at = Account.id == account_id, utcnow() - KEPT_FOR + ASKED_AGAIN_AFTER
        if change(Account, this, _is_old(), access_end_asked_at=again_at):
            _ask(account_id)  # else another worker is asking


def _ask(account_id: int) -> None:
    account = db.session.get_one(Account, account_id, populate_existing=True)
    network: Network = current_app.extensions["networks"][account.network]
    credentials, version = account.credentials, account.credentials_version
    db.session.commit()  # no transaction stays open during the call
    try:
        end = moment_of((network.ask_access_end or network.access_ends_at)(credentials))
    except (LookUpFailed, LookUpRefused, TokenRefused) as error:
        log.info("%s did not say when access ends: %s", network.name, type(error).__name__)
        return
    same = (Account.id == account_id, Account.connected, Account.credentials_version == version)
    change(Account, *same, access_ends_at=end, access_end_asked_at=utcnow())


def _is_old() -> Any:
    networks: dict[str, Network] = current_app.extensions["networks"]
    asked_at, moving = (
        Account.access_end_asked_at,
        [n for n in networks if networks[n].ask_access_end],
    )
    is_known = Account.network.in_(list(networks))
    is_late = asked_at < utcnow() - KEPT_FOR
    return or_(is_known & asked_at.is_(None), Account.network.in_(moving) & is_late)
