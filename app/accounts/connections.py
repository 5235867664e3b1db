"""Connects accounts to a user: sign in with one, add another one, or reconnect.

A sign-in identifies a person, not an account, because several people may share a Page. Only
connected accounts count. A disconnected account identifies nobody, so its owner may connect it
again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from flask import current_app
from sqlalchemy import Select, func
from sqlalchemy.exc import IntegrityError

from app import background, broker
from app.accounts import closing, holds, sign_in_methods
from app.accounts.credentials import ends_at
from app.db import db, utcnow
from app.models import Account, Health, User, mail
from app.networks import Connection, Credentials, Limits, Network, Profile, host_in


class BelongsToSomebodyElse(Exception):
    """The accounts are connected to another user already: ``profiles``."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        super().__init__()
        self.profiles = profiles


class SignsNobodyIn(Exception):
    """The account is connected to ``user_id``, who has not allowed sign-in with it."""

    def __init__(self, user_id: int) -> None:
        super().__init__()
        self.user_id = user_id


class NotWanted(Exception):
    """Another request has already dealt with this connection; nothing was changed."""


class _Overtaken(Exception):
    """The data has changed: the same accounts were connected, or no longer allow sign-in."""


class TooManyAccounts(Exception):
    """One person has at most ``most`` accounts."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most


@dataclass
class Connected:
    """The result of connecting the accounts that a consent gave access to."""

    user_id: int
    added: list[Account] = field(default_factory=list)
    renewed: list[Account] = field(default_factory=list)
    left_out: list[Profile] = field(default_factory=list)
    """Accounts that belong to another user."""
    beyond: list[Profile] = field(default_factory=list)
    """Accounts beyond the number that one person may have."""
    sign_in_account: Account | None = None
    """The account with which the person signed in."""


def sign_in(network: str, connections: Sequence[Connection]) -> Connected:
    """Find the user who gave access to these accounts, or create one; connect the accounts.

    :raises sign_in_methods.ProvesNobody: their server gives access to anybody who asks.
    :raises SignsNobodyIn: connected here, but its owner does not let it sign in.
    :raises BelongsToSomebodyElse: none of them is left for a new user.
    """
    if any(connection.proves_nobody for connection in connections):
        raise sign_in_methods.ProvesNobody
    closing.close_due()
    return _again_if_overtaken(lambda: _sign_in(network, connections))


def add(
    network: str,
    connections: Sequence[Connection],
    user_id: int,
    is_wanted: Callable[[], bool] | None = None,
) -> Connected:
    """Connect accounts to somebody who is signed in.

    :param is_wanted: called last, in the same transaction; False cancels the connection.
    :raises BelongsToSomebodyElse: all of them do.
    :raises TooManyAccounts: with these, it would be more than one person may have.
    :raises NotWanted: ``is_wanted`` returned False.
    """
    return _again_if_overtaken(lambda: _add(network, connections, user_id, is_wanted))


def by_token(network: str, profile: Profile, credentials: Credentials) -> Connected:
    """Store one account and its tokens, and release its held deliveries; no page is needed.

    The account stays with the user who has it, or gets a new one. A worker asks for its limits.

    :raises BelongsToSomebodyElse, TooManyAccounts: nothing was changed.
    """
    connection = Connection(profile, credentials, server_was_typed=bool(profile.server))

    def work() -> Connected:
        holder = holder_of(network, profile)
        return _add(network, [connection], holder.user_id if holder else new_user())

    return _again_if_overtaken(work)


def strangers(network: str, connections: Sequence[Connection], user_id: int) -> list[Profile]:
    """Return the accounts that belong to somebody else than this user."""
    return [one.profile for one in connections if not _is_free(network, one.profile, user_id)]


def would_sign_in(network: str, connection: Connection, user_id: int) -> bool:
    """True when this account, once connected, would sign this user in."""
    account = holder_of(network, connection.profile)
    mine = sign_in_methods.accounts_of(user_id)
    if account is not None and account.id in sign_in_methods.opening(mine):
        return True
    account = account or _blank(network, connection.profile, user_id)
    return _may_open(account, connection, is_first=not sign_in_methods.opening(mine))


def _again_if_overtaken(work: Callable[[], Connected]) -> Connected:
    """Retry once when the same account was connected or disconnected at the same time."""
    try:
        try:
            return work()
        except (IntegrityError, _Overtaken):
            db.session.rollback()
            return work()
    except Exception:
        db.session.rollback()
        raise


def _sign_in(network: str, connections: Sequence[Connection]) -> Connected:
    sign_in_account = _sign_in_account(network, connections)
    if sign_in_account is not None:
        sign_in_methods.lock(sign_in_account.user_id)
        if _sign_in_account(network, connections) is not sign_in_account:
            raise _Overtaken  # its owner has since disconnected it, or turned off sign-in with it
        known = Connected(sign_in_account.user_id, sign_in_account=sign_in_account)
        return _tie(network, _that_fit(network, connections, known), known)
    refusal = _refusal(network, connections)
    if refusal is not None:
        # The same person may have signed in at the same time in another window.
        raise _Overtaken if _sign_in_account(network, connections) else refusal
    fresh = Connected(new_user(current_app.config["FIRST_USER_ROLE"]))
    done = _tie(network, _that_fit(network, connections, fresh), fresh)
    done.sign_in_account = done.added[0]
    return done


def _refusal(network: str, connections: Sequence[Connection]) -> Exception | None:
    """Return why the owner of these accounts cannot become a new user; None if they can."""
    for connection in connections:
        closed = _closed(network, connection.profile)
        if closed is not None:
            return SignsNobodyIn(closed.user_id)
    if all(holder_of(network, connection.profile) for connection in connections):
        return BelongsToSomebodyElse([connection.profile for connection in connections])
    return None


def _add(
    network: str,
    connections: Sequence[Connection],
    user_id: int,
    is_wanted: Callable[[], bool] | None = None,
) -> Connected:
    if len(taken := strangers(network, connections, user_id)) == len(connections):
        raise BelongsToSomebodyElse(taken)
    return _tie(network, connections, Connected(user_id), is_wanted)


def _tie(
    network: str,
    connections: Sequence[Connection],
    done: Connected,
    is_wanted: Callable[[], bool] | None = None,
) -> Connected:
    """Connect the accounts that no other user has, all or none, and commit."""
    sign_in_methods.lock(done.user_id)
    is_first = not sign_in_methods.opening(sign_in_methods.accounts_of(done.user_id))
    for connection in connections:
        if not _is_free(network, connection.profile, done.user_id):
            done.left_out.append(connection.profile)
            continue
        account, is_added = _take(network, connection, done.user_id, is_first)
        (done.added if is_added else done.renewed).append(account)
    db.session.flush()
    if done.sign_in_account is None and not done.added and not done.renewed:
        raise _Overtaken  # other users have connected them since: create no user without an account
    most = current_app.config["MAX_ACCOUNTS"]
    if done.added and _count(done.user_id) > most:
        raise TooManyAccounts(most)
    if is_wanted is not None and not is_wanted():
        raise NotWanted
    mail.cancel(mail.reminder_key(mail.of_user(done.user_id), network))
    released: list[str] = []
    for account in [*done.added, *done.renewed]:
        released += holds.release_account(account.id)
    for kind in ("limits", "avatars"):
        background.soon(kind)
    db.session.commit()
    broker.notify_jobs(released[:8])
    return done


def _take(
    network: str, connection: Connection, user_id: int, is_first: bool
) -> tuple[Account, bool]:
    """Return the account's row with its new tokens, and whether it was not connected before.

    :param is_first: no account of the user signs in yet.
    """
    profile = connection.profile
    account = _locked(holder_of(network, profile))
    is_added = account is None
    if account is None:
        account = _locked(_find(network, profile, Account.user_id == user_id))
    if account is None:
        account = _blank(network, profile, user_id)
        db.session.add(account)
    if is_added:
        account.person_id, account.signs_in = _person(profile), False
    elif not account.person_id:
        account.person_id = profile.person_id  # nobody had asked for it before
    _renew(account, profile, connection.credentials)
    _remember(account, connection.limits)
    if (is_added or is_first) and _may_open(account, connection, is_first):
        account.signs_in = True
    db.session.flush()
    return account, is_added


def _may_open(account: Account, connection: Connection, is_first: bool) -> bool:
    """True when a new account may sign in at once; False when its owner must allow it first.

    Anybody may run a server whose name was typed, and claim any identity there. But a user
    without an account for sign-in could never sign in again.
    """
    if connection.proves_nobody or not (account.person_id or _person(connection.profile)):
        return False
    if sign_in_methods.opens_another(account, account.user_id):
        return False
    siblings = sign_in_methods.of_same_person(account, account.user_id)
    if siblings and not is_first:
        return any(other.signs_in for other in siblings)
    return is_first or not connection.server_was_typed


def _sign_in_account(network: str, connections: Sequence[Connection]) -> Account | None:
    """Return the account with which the owner of these signs in."""
    opens = (Account.connected, Account.signs_in)
    profiles = [connection.profile for connection in connections]
    found = (_find(network, one, *opens, of_person=_person(one)) for one in profiles)
    return next(filter(None, found), None)


def _closed(network: str, profile: Profile) -> Account | None:
    """Return a connected account of this person; asked when none of them signs in."""
    person = _person(profile)
    closed = _find(network, profile, Account.connected, of_person=person)
    return closed or (holder_of(network, profile) if person == profile.remote_id else None)


def _person(profile: Profile) -> str:
    return profile.person_id or profile.remote_id


def holder_of(network: str, profile: Profile) -> Account | None:
    """Return the connected account with this profile, whoever has it."""
    return _find(network, profile, Account.connected)


def is_in_use(network: Network, profile: Profile) -> bool:
    """Return whether somebody here publishes with an access that ends with this profile's."""
    if holder_of(network.name, profile) is not None:
        return True
    if not network.one_access_for_all:
        return False
    # Of some accounts nobody has asked yet which person gave us the access.
    perhaps_theirs = Account.person_id.in_(("", profile.person_id))
    connected = (Account.network == network.name, Account.connected, perhaps_theirs)
    return db.session.scalar(db.select(Account.id).where(*connected).limit(1)) is not None


def _is_free(network: str, profile: Profile, user_id: int) -> bool:
    holder = holder_of(network, profile)
    return holder is None or holder.user_id == user_id


def _find(
    network: str, profile: Profile, *conditions: Any, of_person: str | None = None
) -> Account | None:
    """Return the account, or one of a person, that meets these conditions; the oldest one."""
    who = Account.remote_id == profile.remote_id
    if of_person is not None:
        who = Account.person_id == of_person
    return db.session.scalar(
        db.select(Account)
        .where(Account.network == network, Account.server == profile.server, who, *conditions)
        .order_by(Account.id)
        .limit(1)
    )


def _locked(account: Account | None) -> Account | None:
    """Lock and return the current row; workers that refresh its tokens wait."""
    return account and db.session.get(
        Account, account.id, populate_existing=True, with_for_update=True
    )


def _that_fit(
    network: str, connections: Sequence[Connection], done: Connected
) -> Sequence[Connection]:
    """Return as many as the person may have; a sign-in does not fail because of the others."""
    room = current_app.config["MAX_ACCOUNTS"] - _count(done.user_id)
    fitting: list[Connection] = []
    for connection in connections:
        is_new = holder_of(network, connection.profile) is None
        if is_new and room <= 0:
            done.beyond.append(connection.profile)
            continue
        room -= is_new
        fitting.append(connection)
    return fitting


def _count(user_id: int) -> int:
    mine = (Account.user_id == user_id, Account.connected)
    return db.session.scalar(db.select(func.count(Account.id)).where(*mine)) or 0


def _blank(network: str, profile: Profile, user_id: int) -> Account:
    account = Account(network=network, server=profile.server, remote_id=profile.remote_id)
    account.user_id, account.person_id = user_id, _person(profile)
    account.credentials_version = 0
    return account


def new_user(role_of_the_first: str | None = None) -> int:
    """Store a person without accounts, and return their id. The caller commits.

    :param role_of_the_first: the role that they get if nobody was here before.
    """
    may_be_first = role_of_the_first is not None and db.session.scalar(_anybody()) is None
    if may_be_first and db.engine.dialect.name == "postgresql":
        # Of two who sign in at the same time, one is the first. SQLite has one writer anyway.
        db.session.execute(db.text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
    user = User(late_tolerance=current_app.config["LATE_TOLERANCE"])
    db.session.add(user)
    db.session.flush()
    if may_be_first and db.session.scalar(_anybody().where(User.id != user.id)) is None:
        user.role = role_of_the_first
    return user.id


def _anybody() -> Select[Any]:
    return db.select(User.id).limit(1)


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
    network: Network = current_app.extensions["networks"][account.network]
    account.access_ends_at = ends_at(network, credentials)
    account.access_end_asked_at = None if network.ask_access_end else utcnow()
    account.access_checked_at = utcnow()
    account.credentials_stale = False
    account.refresh_lease_until = None
    account.health = Health.OK
    account.last_error = account.last_error_at = None


def _remember(account: Account, limits: Limits | None) -> None:
    """Store the limits; if none are given, have a worker ask again, as they may have changed."""
    account.limits_at = utcnow() if limits else None
    if limits:
        account.limits = asdict(limits)
