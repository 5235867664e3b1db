"""Who is signed in where, and the audit log of their account."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Index, Integer, bindparam, or_
from sqlalchemy.orm import Mapped, mapped_column

from app.db import BuiltStatement, UTCDateTime, db, utcnow
from app.models.account import Account
from app.models.attached import Attached, AttachedQuery
from app.models.user import User

SESSION_LIFE = timedelta(days=30)
"""How long after its last use a session ends."""


def hash_of(key: str) -> str:
    """Return what is stored of a random key."""
    return hashlib.sha256(key.encode()).hexdigest()


class SessionHere(NamedTuple):
    """The session that a request came with."""

    id: int
    user_id: int
    seen_at: datetime
    noticed_at: datetime


class UserSession(db.Model):  # type: ignore[name-defined,misc]
    """One browser in which a person is signed in. Ending it is deleting the row."""

    __tablename__ = "user_sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(unique=True)
    """SHA-256 of the random key that the cookie carries: who reads the table cannot sign in."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    """The account by which it was opened; null for a link in a mail."""
    browser_hash: Mapped[str] = mapped_column(default="")
    """SHA-256 of the browser's own lasting key: tells a new browser from a known one."""
    browser: Mapped[str] = mapped_column(default="")
    """In words: "Firefox on Linux"."""
    zone: Mapped[str] = mapped_column(default="")
    """The browser's time zone, which says where it is without asking anybody."""
    address: Mapped[str] = mapped_column(default="")
    signed_in_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, index=True)
    """Exact to a few minutes only, so that reading pages causes few writes."""
    noticed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    """Notices from before this moment were seen here."""

    @classmethod
    def opened_with(cls, key: str, *, accounts: bool = False) -> tuple[User, SessionHere] | None:
        """Return who is signed in with the key of a cookie, in one query; None for nobody.

        :param accounts: whether the same query brings the user's accounts.
        """
        query = _opened_with(accounts)
        rows = (query.read if accounts else query.run)(_given(key))
        if not rows:
            return None
        here, (person, account) = len(SessionHere._fields), _people()
        ends = here + len(person.columns)
        known = {}
        if accounts:
            theirs = [row[ends:] for row in rows if account.is_there(row[ends:])]
            known["accounts"] = [account.object_of(one) for one in theirs]
        return person.object_of(rows[0][here:ends], **known), SessionHere(*rows[0][:here])

    @classmethod
    def exists(cls, key: str) -> bool:
        """Whether somebody is signed in with this key; leaves no transaction open."""
        return bool(_opened_with(accounts=False).read(_given(key)))


@cache
def _people() -> tuple[Attached[User], Attached[Account]]:
    return Attached(User), Attached(Account)


@cache
def _opened_with(accounts: bool) -> BuiltStatement:
    """Return the query that every page runs, built once; its parameters are those of ``_given``.

    A row has what a SessionHere has, then a User, then one of the accounts, if they are wanted.
    """
    one, (person, account) = UserSession, _people()
    columns = [one.id, one.user_id, one.seen_at, one.noticed_at, *person.columns]
    key = (one.key_hash == bindparam("hash"), one.seen_at > bindparam("since"))
    query = db.select(*columns).join(User, User.id == one.user_id).where(*key)
    if accounts:
        theirs = query.add_columns(*account.columns).outerjoin(User.accounts)
        query = theirs.order_by(Account.id)
    return BuiltStatement(query)


def _given(key: str) -> dict[str, Any]:
    return {"hash": hash_of(key), "since": utcnow() - SESSION_LIFE}


class EventKind(StrEnum):
    """The kinds of events in the audit log."""

    SIGNED_IN = "signed_in"
    SIGNED_IN_NEW_BROWSER = "signed_in_new_browser"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    ACCOUNT_ADDED = "account_added"
    ACCOUNT_RENEWED = "account_renewed"
    ACCOUNT_DISCONNECTED = "account_disconnected"
    EMAIL_CONFIRMED = "email_confirmed"
    EMAIL_REMOVED = "email_removed"
    SIGNS_IN_ON = "signs_in_on"
    SIGNS_IN_OFF = "signs_in_off"
    DELETION_ASKED = "deletion_asked"
    DELETION_TAKEN_BACK = "deletion_taken_back"


class AuditEvent(db.Model):  # type: ignore[name-defined,misc]
    """One entry of the audit log: what happened, to whom, from where. Never a token or a text."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_user_id_at", "user_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow, index=True)
    kind: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    session_id: Mapped[int | None]
    """The session that did it; sessions end, so this names no row that must exist."""
    network: Mapped[str] = mapped_column(default="")
    handle: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    browser: Mapped[str] = mapped_column(default="")

    @classmethod
    def unseen_in(
        cls, here: SessionHere, kinds: tuple[EventKind, ...], most: int
    ) -> list[AuditEvent]:
        """Return events of these kinds in other sessions, since notices were dismissed here."""
        asked = {"user_id": here.user_id, "since": here.noticed_at, "session": here.id}
        return _unseen(kinds).objects(**asked, most=most)


@cache
def _unseen(kinds: tuple[EventKind, ...]) -> AttachedQuery[AuditEvent]:
    one = AuditEvent
    elsewhere = one.session_id.is_distinct_from(bindparam("session", type_=Integer))
    unseen = (
        one.user_id == bindparam("user_id"),
        one.at > bindparam("since"),
        or_(*(one.kind == kind for kind in kinds)),
        elsewhere,
    )
    newest = bindparam("most", type_=Integer)
    return AttachedQuery(
        one,
        lambda query: query.where(*unseen).order_by(one.at.desc(), one.id.desc()).limit(newest),
    )
