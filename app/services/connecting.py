"""Tying an account to a user: the first sign-in, a further account, a reconnect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from flask import current_app
from sqlalchemy.exc import IntegrityError

from app import jobs
from app.db import db, utcnow
from app.models import Account, Health, User
from app.networks.base import Connection, Credentials, Limits, Profile
from app.networks.hosts import host_in
from app.services import holding


class BelongsToSomebodyElse(Exception):
    """The account is connected to another user already."""


def connect_all(
    network: str, connections: Sequence[Connection], user: User | None = None
) -> tuple[User, list[Profile]]:
    """Connect every account that was opened to us to one user.

    :param user: who is signed in; None signs in as ``connect`` does, by the first account.
    :returns: the user, and the accounts left out because they belong to somebody else.
    :raises BelongsToSomebodyElse: all of them do.
    """
    left_out: list[Profile] = []
    for connection in connections:
        profile = connection.profile
        try:
            user = connect(network, profile, connection.credentials, user, connection.limits)
        except BelongsToSomebodyElse:
            left_out.append(profile)
    if user is None or len(left_out) == len(connections):
        raise BelongsToSomebodyElse
    return user, left_out


def connect(
    network: str,
    profile: Profile,
    credentials: Credentials,
    user: User | None = None,
    limits: Limits | None = None,
) -> User:
    """Store the account and its tokens, and let go what waited for it.

    :param user: who is signed in; None signs in whoever the account belongs to, or a new user.
    :param limits: what fits, where that is known; otherwise a worker asks.
    :raises BelongsToSomebodyElse: nothing was changed.
    """
    try:
        return _connect(network, profile, credentials, user, limits)
    except IntegrityError:
        db.session.rollback()  # the same account signed in twice at the same moment
        return _connect(network, profile, credentials, user, limits)


def _connect(
    network: str,
    profile: Profile,
    credentials: Credentials,
    user: User | None,
    limits: Limits | None,
) -> User:
    account = _find(network, profile.server, profile.remote_id)
    if account is not None and user is not None and account.user_id != user.id:
        raise BelongsToSomebodyElse
    if account is None:
        account = Account(network=network, server=profile.server, remote_id=profile.remote_id)
        account.user_id = (user or _new_user()).id
        account.credentials_version = 0
        db.session.add(account)
    _renew(account, profile, credentials)
    _remember(account, limits)
    db.session.flush()
    released = holding.release_account(account.id)
    db.session.commit()
    jobs.ring_for(released[:8])
    return db.session.get_one(User, account.user_id)


def _find(network: str, server: str, remote_id: str) -> Account | None:
    return db.session.scalar(
        db.select(Account)
        .where(Account.network == network, Account.server == server, Account.remote_id == remote_id)
        .with_for_update()
    )


def _new_user() -> User:
    user = User(late_tolerance=current_app.config["LATE_TOLERANCE"])
    db.session.add(user)
    db.session.flush()
    return user


def _renew(account: Account, profile: Profile, credentials: Credentials) -> None:
    account.handle, account.display_name = profile.handle, profile.display_name
    account.profile_url = profile.page_url
    account.avatar_url, account.avatar_at = profile.avatar_url, None  # a worker asks again
    if not profile.avatar_url:
        account.avatar = None
    account.connected = True
    account.credentials = credentials
    account.host = host_in(credentials)
    account.credentials_version = (account.credentials_version or 0) + 1
    account.credentials_stale = False
    account.refresh_lease_until = None
    account.health = Health.OK
    account.last_error = account.last_error_at = None


def _remember(account: Account, limits: Limits | None) -> None:
    """Keep what fits; what was known before may have changed, so it is asked for again."""
    account.limits_at = utcnow() if limits else None
    if limits:
        account.limits = asdict(limits)
