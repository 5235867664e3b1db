"""Sessions of browsers: opens, lists and ends them, and deletes those that nobody uses."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, update

from app.accounts import audit
from app.accounts.audit import Visit
from app.accounts.transactions import change
from app.db import db, rows_changed, utcnow
from app.models import (
    SESSION_LIFE,
    Account,
    AuditEvent,
    EventKind,
    SessionHere,
    UserSession,
    hash_of,
    tweet_counts,
)

SEEN_EVERY = timedelta(minutes=5)
"""``seen_at`` is written no more often than this, so that reading pages causes few writes."""

MOST = 200
"""Open sessions of one user; one more ends the session that was not used for the longest time."""


class SignInMethodOff(Exception):
    """The account of this sign-in was disconnected meanwhile, or no longer allows sign-in."""


def open_session(
    user_id: int,
    account: Account | None,
    visit: Visit,
    *,
    browser_key: str,
    is_known: bool,
    zone: str = "",
) -> str:
    """Store a new session of a user, and commit; return the key for their cookie.

    Only a hash of the key is stored.

    :param account: the account with which they signed in; None for a link in a mail.
    :param browser_key: the lasting key of the browser.
    :param is_known: the same user has signed in with this browser before.
    :param zone: the IANA name of the browser's time zone, "" if that is unknown.
    :raises SignInMethodOff: nothing was stored.
    """
    account_id = None if account is None else account.id
    key = secrets.token_urlsafe(32)
    opened = UserSession(
        key_hash=hash_of(key),
        user_id=user_id,
        account_id=account_id,
        browser_hash=hash_of(browser_key),
        browser=visit.browser,
        zone=zone,
        address=visit.address,
    )
    db.session.add(opened)
    db.session.flush()
    if account_id is not None and not _is_open(account_id):
        db.session.rollback()
        raise SignInMethodOff
    order = (UserSession.seen_at.desc(), UserSession.id.desc())
    mine = db.select(UserSession.id).where(UserSession.user_id == user_id).order_by(*order)
    if beyond := db.session.scalars(mine.offset(MOST).limit(MOST)).all():
        _delete(UserSession.id.in_(beyond))
    kind = EventKind.SIGNED_IN if is_known else EventKind.SIGNED_IN_NEW_BROWSER
    visit = replace(visit, session_id=opened.id)
    named = (account.network, account.handle) if account else ("", "")
    audit.note(kind, visit, user_id, *named)
    tweet_counts.want(user_id)
    db.session.commit()
    return key


def _is_open(account_id: int) -> bool:
    """Return whether an account allows sign-in, and lock its row until the transaction ends."""
    opens = (Account.id == account_id, Account.connected, Account.signs_in)
    found = db.select(Account.id).where(*opens).with_for_update(read=True)
    return db.session.scalar(found) is not None


def sessions_of(user_id: int) -> Sequence[UserSession]:
    """Return a user's open sessions, the most recently used one first."""
    alive = (UserSession.user_id == user_id, UserSession.seen_at > utcnow() - SESSION_LIFE)
    newest_first = (UserSession.seen_at.desc(), UserSession.id.desc())
    return db.session.scalars(db.select(UserSession).where(*alive).order_by(*newest_first)).all()


def sign_out(here: SessionHere, visit: Visit) -> None:
    """End the session with which this request came, and commit."""
    if _delete(UserSession.id == here.id):
        audit.note(EventKind.SIGNED_OUT, visit, here.user_id)
    db.session.commit()


def end(user_id: int, session_id: int, visit: Visit) -> bool:
    """End one session of a user, and commit; False when it is not theirs or has already ended."""
    ended = _delete(UserSession.id == session_id, UserSession.user_id == user_id)
    if ended:
        audit.note(EventKind.SESSION_ENDED, visit, user_id)
    db.session.commit()
    return bool(ended)


def end_others(here: SessionHere, visit: Visit) -> int:
    """End all other sessions of this user, and commit; return how many there were."""
    ended = _delete(UserSession.user_id == here.user_id, UserSession.id != here.id)
    for _ in range(ended):
        audit.note(EventKind.SESSION_ENDED, visit, here.user_id)
    db.session.commit()
    return ended


def end_opened_by(account_id: int, kept: int | None) -> None:
    """End the sessions that were opened with an account. The caller commits.

    :param kept: the id of the one session that stays open, None for no session.
    """
    _delete(UserSession.account_id == account_id, UserSession.id.is_distinct_from(kept))


def is_worth_noting(here: SessionHere) -> bool:
    """Return whether a session's ``seen_at`` is so old that it should be written again."""
    return utcnow() - here.seen_at >= SEEN_EVERY


def see(here: SessionHere) -> None:
    """Set a session's ``seen_at`` to now, unless another request has set it; commits.

    Its person is here, so workers count their tweets.
    """
    tweet_counts.want(here.user_id)
    unseen = (UserSession.id == here.id, UserSession.seen_at == here.seen_at)
    change(UserSession, *unseen, seen_at=utcnow())


def read_notices(here: SessionHere, up_to: int) -> None:
    """Show this session no more notices of events until this one, and commit.

    :param up_to: the id of an AuditEvent; that of another user changes nothing.
    """
    seen = (AuditEvent.id == up_to, AuditEvent.user_id == here.user_id)
    at = db.session.scalar(db.select(AuditEvent.at).where(*seen))
    if at is not None and at > here.noticed_at:
        rows_changed(update(UserSession).where(UserSession.id == here.id).values(noticed_at=at))
    db.session.commit()


def sweep() -> None:
    """Delete sessions that were not used for ``SESSION_LIFE``, and commit."""
    _delete(UserSession.seen_at < utcnow() - SESSION_LIFE)
    db.session.commit()


def _delete(*conditions: Any) -> int:
    return rows_changed(delete(UserSession).where(*conditions))
