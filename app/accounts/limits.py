"""Limits on a tweet of each account, read from its server once a day.

Pages and the shell only read what is stored here, so writing a tweet never waits for a network.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import or_

from app.accounts.sampling import some_of_each_server
from app.accounts.transactions import change
from app.db import db, utcnow
from app.models import LIMITED, Account, Health
from app.networks import Limits, LookUpFailed, LookUpRefused, Network, TokenRefused

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=1)
ASKED_AGAIN_AFTER = timedelta(minutes=30)
"""When the server did not say."""
AT_ONCE = 8


def outdated() -> list[int]:
    """Return some accounts whose limits are unknown or older than a day.

    Only on networks of many servers: elsewhere the same fits for everybody.
    """
    wanted = (LIMITED, Account.health == Health.OK, _is_old())
    return some_of_each_server(wanted, 1, AT_ONCE)


def measure(account_ids: Sequence[int]) -> None:
    """Ask for the limits and store them; if the server gives none, the old ones stay."""
    for account_id in account_ids:
        this, again_at = Account.id == account_id, utcnow() - KEPT_FOR + ASKED_AGAIN_AFTER
        if not change(Account, this, _is_old(), limits_at=again_at):
            continue  # another worker is asking
        limits = _asked(account_id)
        if limits is not None:
            change(Account, this, Account.connected, limits=asdict(limits), limits_at=utcnow())


def _is_old() -> Any:
    return or_(Account.limits_at.is_(None), Account.limits_at < utcnow() - KEPT_FOR)


def _asked(account_id: int) -> Limits | None:
    account = db.session.get_one(Account, account_id, populate_existing=True)
    network: Network = current_app.extensions["networks"][account.network]
    credentials = account.credentials
    db.session.commit()  # no transaction stays open during the call
    try:
        return network.limits(credentials)
    except (LookUpFailed, LookUpRefused, TokenRefused) as error:
        log.info("%s did not say what fits: %s", network.name, type(error).__name__)
        return None
