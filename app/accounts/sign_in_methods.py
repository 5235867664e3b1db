"""The accounts with which a person may sign in; the weakest one sets how safe they are."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import update

from app.accounts import audit, sessions
from app.accounts.audit import Visit
from app.db import db, rows_changed
from app.models import Account, EventKind, MastodonServer, User


class LastSignInMethod(Exception):
    """It is the only account with which its owner can sign in."""


class ProvesNobody(Exception):
    """The account's server gives access to anybody who asks: it proves nothing."""


class OpensAnother(Exception):
    """The proven owner of the account already signs in as another user."""


class NobodyProved(Exception):
    """Who owns the account was never asked: it must be connected once more first."""


def opening(accounts: Collection[Account]) -> set[int]:
    """Return the ids of those among somebody's connected accounts that sign them in."""
    careless = careless_hosts(accounts)
    return {
        account.id
        for account in accounts
        if account.connected and account.signs_in and not _is_careless(account, careless)
    }


def careless_hosts(accounts: Collection[Account]) -> set[str]:
    """Return the hosts of these accounts that are known to check no codes."""
    hosts = {account.host for account in accounts if account.network == "mastodon"}
    if not hosts:
        return set()
    urls = [f"{scheme}://{host}" for host in hosts for scheme in ("https", "http")]
    careless = db.select(MastodonServer.url).where(
        MastodonServer.url.in_(urls), MastodonServer.checks_codes.is_(False)
    )
    return {url.partition("://")[2] for url in db.session.scalars(careless)}


def _is_careless(account: Account, careless: set[str]) -> bool:
    return account.network == "mastodon" and account.host in careless


def opens_another(account: Account, user_id: int) -> bool:
    """Whether whoever proves to own this account signs in as somebody else than this user."""
    others = db.select(Account.id).where(
        Account.network == account.network,
        Account.server == account.server,
        Account.person_id == account.person_id,
        Account.connected,
        Account.signs_in,
        Account.user_id != user_id,
    )
    return db.session.scalar(others.limit(1)) is not None


def switch(user_id: int, account_id: int, signs_in: bool, visit: Visit) -> None:
    """Let an account of this user sign them in, or no longer; then its other sessions end, too.

    Further accounts that prove the same person, such as Pages, follow.

    :raises LastSignInMethod, ProvesNobody, OpensAnother, NobodyProved: nothing was changed.
    """
    try:
        _switch(user_id, account_id, signs_in, visit)
    except (LastSignInMethod, ProvesNobody, OpensAnother, NobodyProved):
        db.session.rollback()
        raise
    db.session.commit()


def _switch(user_id: int, account_id: int, signs_in: bool, visit: Visit) -> None:
    lock(user_id)
    mine = (Account.id == account_id, Account.user_id == user_id, Account.connected)
    account = db.session.scalar(db.select(Account).where(*mine))
    if account is None:
        return
    same = [account.id, *(other.id for other in of_same_person(account, user_id))]
    changed = (Account.id.in_(same), Account.connected, Account.signs_in.is_distinct_from(signs_in))
    if not rows_changed(update(Account).where(*changed).values(signs_in=signs_in)):
        return
    db.session.expire_all()
    account = db.session.get_one(Account, account_id)
    if signs_in:
        _check(account, user_id)
    elif not opening(accounts_of(user_id)):
        raise LastSignInMethod
    else:
        for each in same:
            sessions.end_opened_by(each, visit.session_id)
    kind = EventKind.SIGNS_IN_ON if signs_in else EventKind.SIGNS_IN_OFF
    audit.note(kind, visit, user_id, account.network, account.handle)


def of_same_person(account: Account, user_id: int) -> list[Account]:
    """Return this user's other connected accounts that prove the same person: further Pages.

    Whoever shows any of them is that person, so all of them sign in, or none.
    """
    if not account.person_id:
        return []
    return [
        other
        for other in accounts_of(user_id)
        if other.id != account.id
        and (other.network, other.server, other.person_id)
        == (account.network, account.server, account.person_id)
    ]


def _check(account: Account, user_id: int) -> None:
    if _is_careless(account, careless_hosts([account])):
        raise ProvesNobody
    if not account.person_id:
        raise NobodyProved
    if opens_another(account, user_id):
        raise OpensAnother


def accounts_of(user_id: int) -> list[Account]:
    """Return the connected accounts of a user as they are now."""
    mine = db.select(Account).where(Account.user_id == user_id, Account.connected)
    return list(db.session.scalars(mine.order_by(Account.id)))


def lock(user_id: int) -> None:
    """Let nobody else change how this user signs in until the transaction ends.

    Comes before any lock of an account, so that no two wait for each other; rows that only name
    the user can be written meanwhile. SQLite has one writer at a time, so there one becomes it.
    """
    if db.engine.dialect.name == "sqlite":
        mine = update(User).where(User.id == user_id).values(late_tolerance=User.late_tolerance)
        db.session.execute(mine, execution_options={"synchronize_session": False})
        return
    wanted = db.select(User.id).where(User.id == user_id)
    db.session.execute(wanted.with_for_update(key_share=True))
