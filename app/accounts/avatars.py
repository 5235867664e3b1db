"""Avatars of accounts: fetched from their networks once a week, re-encoded and stored small.

Pages show the stored copy, so no browser has to ask another site.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from flask import current_app
from sqlalchemy import or_, update

from app.accounts.sampling import some_of_each_server
from app.accounts.transactions import change, value_of
from app.db import db, from_now
from app.models import PICTURED, Account
from app.networks import http
from app.pictures import PictureRefused, make_square, turns

log = logging.getLogger(__name__)

KEPT_FOR = 7 * 86_400.0
"""Seconds until an avatar is fetched again, also after a failure."""
OF_A_SERVER = 2
IN_ALL = 8
"""Limit, so that servers that hang leave room for the scheduler's other calls."""
TIMEOUT = 5.0
SIDE = 96
"""Pixels: as large as pages show it, on a screen of two pixels for one."""


def outdated() -> list[int]:
    """Return some accounts whose avatars were never asked for, or a week ago."""
    return some_of_each_server(_is_wanted(), OF_A_SERVER, IN_ALL, newest_first=True)


def fetch(account_ids: Sequence[int]) -> None:
    """Fetch and store avatars; if a fetch fails, the old avatar stays. May be repeated."""
    for account_id in account_ids:
        url = _begin(account_id)
        if url is None:
            continue  # another worker is fetching it
        try:
            avatar = _made_of(url)
        except (http.NotSent, http.NoResponse, PictureRefused) as error:
            log.info("no avatar of account %s: %s", account_id, type(error).__name__)
        else:
            _keep(account_id, url, avatar)


def kept_of(account_ids: Collection[int]) -> set[int]:
    """Return which of these accounts have an avatar."""
    kept = (Account.id.in_(account_ids), Account.avatar.is_not(None))
    return set(db.session.scalars(db.select(Account.id).where(*kept)))


def get(account_id: int) -> bytes | None:
    """Return an account's avatar, a WebP, None if there is none."""
    return db.session.scalar(db.select(Account.avatar).where(Account.id == account_id))


def _is_wanted() -> tuple[Any, ...]:
    is_old = or_(Account.avatar_at.is_(None), Account.avatar_at < from_now(-KEPT_FOR))
    return PICTURED, is_old


def _begin(account_id: int) -> str | None:
    """Return the avatar's URL, None if no fetch is due; the next fetch is due in a week."""
    chosen = update(Account).where(Account.id == account_id, *_is_wanted())
    begun = chosen.values(avatar_at=from_now()).returning(Account.avatar_url)
    return value_of(begun)


def _made_of(url: str) -> bytes:
    """Fetch the avatar and return it in the form that we show.

    The address comes from a network's answer, so private addresses are always refused.

    :raises PictureRefused: there is no picture.
    :raises http.NotSent: and Unanswered, as ``http.call``.
    """
    public_only = not current_app.config["ALLOW_PRIVATE_SERVERS"]
    answer = http.call("GET", url, timeout=TIMEOUT, public_only=public_only)
    if answer.status != 200:
        raise PictureRefused("picture_gone")
    with turns.turn():
        return make_square(answer.content, SIDE)


def _keep(account_id: int, url: str, avatar: bytes) -> None:
    """Store it, unless the account was disconnected or has another one meanwhile."""
    is_its = (Account.id == account_id, Account.connected, Account.avatar_url == url)
    change(Account, *is_its, avatar=avatar)
