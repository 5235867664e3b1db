"""Sessions: opening one, ending one or many, and forgetting those that nobody uses."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, update

from app.accounts import audit
from app.accounts.audit import Visit
from app.db import db, rows_changed, utcnow
from app.models import (
    SESSION_LIFE,
    Account,
    AuditEvent,
    EventKind,
    SessionHere,
    UserSession,
    hash_of,
)

SEEN_EVERY = timedelta(minutes=5)
"""How exact ``seen_at`` is: pages that are only read write no more often."""


MOST = 200
"""Sessions of one person; the one that was not used for the longest time ends for a new one."""


class SignInMethodOff(Exception):
    """The account that somebody came in by was disconnected since, or signs nobody in any more."""


def open_session(
    user_id: int,
    account: Account,
    visit: Visit,
    *,
    browser_key: str,
    is_known: bool,
    zone: str = "",
) -> str:
    """Sign somebody in and return the key for their cookie, which is stored nowhere.

    :param browser_key: the lasting key of the browser.
    :param is_known: the same person has signed in with this browser before.
    :param zone: the IANA name of the browser's time zone, "" if that is unknown.
    :raises SignInMethodOff: nothing was stored.
    """
    account_id = account.id
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
    if not _is_open(account_id):
        db.session.rollback()
        raise SignInMethodOff
    order = (UserSession.seen_at.desc(), UserSession.id.desc())
    mine = db.select(UserSession.id).where(UserSession.user_id == user_id).order_by(*order)
    if beyond := db.session.scalars(mine.offset(MOST).limit(MOST)).all():
        _delete(UserSession.id.in_(beyond))
    kind = EventKind.SIGNED_IN if is_known else EventKind.SIGNED_IN_NEW_BROWSER
    visit = replace(visit, session_id=opened.id)
    audit.note(kind, visit, user_id, account.network, account.handle)
    db.session.commit()
    return key


def _is_open(account_id: int) -> bool:
    """Whether an account signs its owner in. Who ends that waits until the session is stored."""
    sign_in_account = db.select(Account.id).where(
        Account.id == account_id, Account.connected, Account.signs_in
    )
    return db.session.scalar(sign_in_account.with_for_update(read=True)) is not None


def sessions_of(user_id: int) -> Sequence[UserSession]:
    """Return somebody's open sessions, the one that was used last first."""
    alive = (UserSession.user_id == user_id, UserSession.seen_at > utcnow() - SESSION_LIFE)
    newest_first = (UserSession.seen_at.desc(), UserSession.id.desc())
    return db.session.scalars(db.select(UserSession).where(*alive).order_by(*newest_first)).all()


def sign_out(here: SessionHere, visit: Visit) -> None:
    """End the session that asks for it."""
    if _delete(UserSession.id == here.id):
        audit.note(EventKind.SIGNED_OUT, visit, here.user_id)
    db.session.commit()


def end(user_id: int, session_id: int, visit: Visit) -> bool:
    """End one of somebody's sessions; False when it is not theirs or has ended before."""
    ended = _delete(UserSession.id == session_id, UserSession.user_id == user_id)
    if ended:
        audit.note(EventKind.SESSION_ENDED, visit, user_id)
    db.session.commit()
    return bool(ended)


def end_others(here: SessionHere, visit: Visit) -> int:
    """End all sessions of a person but the one that asks for it; return how many."""
    ended = _delete(UserSession.user_id == here.user_id, UserSession.id != here.id)
    for _ in range(ended):
        audit.note(EventKind.SESSION_ENDED, visit, here.user_id)
    db.session.commit()
    return ended


def end_opened_by(account_id: int, kept: int | None) -> None:
    """End the sessions that were opened by an account. Commit is the caller's.

    :param kept: the session that asks for it.
    """
    _delete(UserSession.account_id == account_id, UserSession.id.is_distinct_from(kept))


def is_worth_noting(here: SessionHere) -> bool:
    """Whether what is stored of a session's last use has become too old."""
    return utcnow() - here.seen_at >= SEEN_EVERY


def see(here: SessionHere) -> None:
    """Note that a session was used just now."""
    mine = (UserSession.id == here.id, UserSession.seen_at == here.seen_at)
    rows_changed(update(UserSession).where(*mine).values(seen_at=utcnow()))
    db.session.commit()


def read_notices(here: SessionHere, up_to: int) -> None:
    """Show this session no more notices of what happened up to this event."""
    seen = db.select(AuditEvent.at).where(
        AuditEvent.id == up_to, AuditEvent.user_id == here.user_id
    )
    if (at := db.session.scalar(seen)) is not None and at > here.noticed_at:
        rows_changed(update(UserSession).where(UserSession.id == here.id).values(noticed_at=at))
    db.session.commit()


def sweep() -> None:
    """Delete sessions that were not used for long."""
    _delete(UserSession.seen_at < utcnow() - SESSION_LIFE)
    db.session.commit()


def _delete(*conditions: Any) -> int:
    return rows_changed(delete(UserSession).where(*conditions))
