"""Disconnects accounts: waiting deliveries are cancelled, those being sent finish first."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from flask import current_app
from sqlalchemy import Text, and_, cast, exists, or_, update

from app import background
from app.accounts import audit, connections, sessions, sign_in_methods
from app.accounts.audit import Visit
from app.accounts.sampling import some_of_each_server
from app.accounts.transactions import change
from app.db import db, from_now, rows_changed
from app.models import LEAVING, Account, Delivery, EventKind, Health, transitions
from app.networks import Credentials, Profile, http
from app.states import State

log = logging.getLogger(__name__)


def disconnect(account_id: int, visit: Visit | None = None) -> int:
    """Cancel what waits for an account and return how many were cancelled; asks no network.

    Nobody can sign in with it any more. Sessions opened with it end, except the current one.
    The access is kept until a worker calls ``finish``, because that calls the network.
    """
    visit = visit or Visit()
    mine = (Account.id == account_id, Account.connected)
    if (owner := db.session.scalar(db.select(Account.user_id).where(*mine))) is None:
        db.session.rollback()
        return 0
    # A concurrent sign-in with it either finishes before this lock or fails.
    sign_in_methods.lock(owner)
    gone = {"connected": False, "signs_in": False, "health": Health.OK, "avatar": None}
    if not rows_changed(update(Account).where(*mine).values(gone)):
        db.session.rollback()
        return 0
    sessions.end_opened_by(account_id, visit.session_id)
    account = db.session.get_one(Account, account_id, populate_existing=True)
    kind = EventKind.ACCOUNT_DISCONNECTED
    audit.note(kind, visit, account.user_id, account.network, account.handle)
    begun = cast(Delivery.posted, Text) != "[]"  # a thread with some parts published
    waiting = Delivery.state.in_((State.SCHEDULED, State.HELD))
    cancelled = _cancel(and_(waiting, or_(~begun, _waits_long(account_id))), account_id)
    background.soon("access")
    db.session.commit()
    return cancelled


def leaving() -> list[int]:
    """Return disconnected accounts whose access is still kept."""
    return some_of_each_server((LEAVING,), 4, 20)


def finish(account_ids: Sequence[int]) -> None:
    """Delete the access of those of these accounts for which nothing is being sent."""
    for account_id in account_ids:
        is_gone = exists().where(Account.id == account_id, ~Account.connected)
        _cancel(and_(is_gone, _waits_long(account_id)), account_id)
        db.session.commit()
        _forget(account_id)


def _cancel(condition: Any, account_id: int) -> int:
    return rows_changed(transitions.disconnect(Delivery.account_id == account_id, condition))


def _waits_long(account_id: int) -> Any:
    """What came back to wait; the next part of a thread, due at once, is still being sent."""
    paused = exists().where(Account.id == account_id, Account.paused_until > from_now())
    return or_(
        Delivery.state == State.HELD,
        and_(Delivery.state == State.SCHEDULED, or_(Delivery.not_before > from_now(), paused)),
    )


def _forget(account_id: int) -> None:
    """End the access at the network, as far as it can be, and forget it; unless it is in use.

    Its owner may connect the account again at any time, and the network may treat both accesses
    as one. So a worker that is too late makes no call and leaves this to the next worker.
    """
    began = http.boottime()
    account = db.session.get_one(Account, account_id, populate_existing=True)
    name, version, credentials = account.network, account.credentials_version, account.credentials
    identity = profile_of(account)
    in_use = account.connected or _is_busy(account_id)
    db.session.commit()  # the network may take long: no transaction stays open meanwhile
    if in_use:
        return
    end_access(name, identity, credentials, began)
    if http.boottime() > began + current_app.config["LEASE"]:
        return
    change(
        Account,
        Account.id == account_id,
        ~Account.connected,
        Account.credentials_version == version,
        credentials={},
        credentials_version=version + 1,
        credentials_stale=False,
        health=Health.RECONNECT,
        limits=None,
        limits_at=None,
        last_error=None,
        last_error_at=None,
        paused_until=None,
    )


def _is_busy(account_id: int) -> bool:
    busy = (State.SCHEDULED, State.CLAIMED, State.SENDING, State.UNCONFIRMED)
    theirs = (Delivery.account_id == account_id, Delivery.state.in_(busy))
    return db.session.scalar(db.select(Delivery.id).where(*theirs).limit(1)) is not None


def profile_of(account: Account) -> Profile:
    """Return what its network knows an account by, and who gave us the access."""
    return Profile(
        account.remote_id, account.handle, server=account.server, person_id=account.person_id
    )


def end_access(name: str, profile: Profile, credentials: Credentials, began: float) -> None:
    """End an access at the network, unless that would end one with which somebody publishes here.

    A network may treat all accesses of one account, or of one person, to one app as the same:
    ending one would end the others too. Never raises.

    :param began: in seconds on http.boottime(); too long after it, the network is not called.
    """
    try:
        revoke(name, profile, credentials, began)
    except Exception as error:  # after any error, the access is still deleted here
        log.warning("%s did not end an access: %s", name, type(error).__name__)


def revoke(name: str, profile: Profile, credentials: Credentials, began: float) -> bool:
    """Do what ``end_access`` does; return False when the network did not answer.

    It raises what the network's client raises.
    """
    network = current_app.extensions["networks"].get(name)
    if network is None or not credentials:
        return True
    is_in_use = connections.is_in_use(network, profile)
    db.session.commit()
    if is_in_use:
        return True
    return network.revoke(credentials, began + current_app.config["START_DEADLINE"]) is not False
