"""E-mail: people's addresses, the links that prove them, and every mail as a row until it is sent.

Each UPDATE that moves a mail is a function here. Sending holds a lease, as a delivery's claim does:
when its worker is lost the lease ends and the mail is due again. The fence counts tries, so a
worker that slept through its lease changes nothing.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import Boolean, Delete, ForeignKey, Index, Update, bindparam, delete, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import EncryptedJSON, UTCDateTime, db, from_now, rows_changed, utcnow
from app.models.indexes import partial_index
from app.models.session import hash_of


class EmailAddress(db.Model):  # type: ignore[name-defined,misc]
    """Where one person gets mail."""

    __tablename__ = "email_addresses"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    address: Mapped[str | None] = mapped_column(unique=True)
    """Confirmed, as app/mail/addresses.py writes it: one address belongs to one person."""
    waiting: Mapped[str | None]
    """Typed, but its link was not used yet."""
    locale: Mapped[str | None]
    """The language of the page where it was typed, for who has chosen none."""
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class LinkKind(StrEnum):
    """What a link in a mail is for."""

    CONFIRM = "confirm"
    SIGN_UP = "sign_up"


class EmailLink(db.Model):  # type: ignore[name-defined,misc]
    """A link that proves an address: good once, and not for long."""

    __tablename__ = "email_links"
    __table_args__ = (Index("email_links_address", "address"),)

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of its token: who reads the table can use none."""
    kind: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    """Whose address it becomes; null for a sign-up."""
    address: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Unsubscription(db.Model):  # type: ignore[name-defined,misc]
    """One kind of mail that somebody does not want."""

    __tablename__ = "unsubscriptions"

    recipient: Mapped[str] = mapped_column(primary_key=True)
    """``user:7``, or ``address:`` and the SHA-256 of an address that belongs to nobody here."""
    kind: Mapped[str] = mapped_column(primary_key=True)


def of_user(user_id: int) -> str:
    """Return how a person is named as a recipient."""
    return f"user:{user_id}"


def of_address(address: str) -> str:
    """Return how an address is named that belongs to nobody here."""
    return f"address:{hash_of(address)}"


class MailState(StrEnum):
    """Where a mail is."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"  # the server may have it: its answer was lost
    FAILED = "failed"


class Mail(db.Model):  # type: ignore[name-defined,misc]
    """One mail to one person. Its text is made when it is sent."""

    __tablename__ = "mails"
    __table_args__ = (
        partial_index("mails_next_at", "next_at", where="next_at IS NOT NULL"),
        Index("mails_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    address: Mapped[str | None]
    """Where it goes; null for the person's confirmed address. Forgotten when the mail is over."""
    kind: Mapped[str]
    """The name of its templates in app/templates/mail/."""
    facts: Mapped[dict[str, Any] | None] = mapped_column(EncryptedJSON)
    """What the templates fill in, such as the token of a link. Forgotten when the mail is over."""
    locale: Mapped[str | None]
    """The language of the page that asked for it, for who has chosen none."""
    key: Mapped[str | None] = mapped_column(unique=True)
    """Two mails of one key are one mail."""
    message_id: Mapped[str]
    """Its Message-ID, the same at every try: who gets it twice can tell."""
    state: Mapped[str] = mapped_column(default=MailState.WAITING)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    """When it should be sent."""
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When a worker must look at it again: the next try, or the end of a lease; null when over."""
    fence: Mapped[int] = mapped_column(default=0)
    """Tries so far."""
    data_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When this try began to give the server the text."""
    in_doubt: Mapped[bool] = mapped_column(default=False)
    """An earlier try may have succeeded."""
    error: Mapped[str | None]
    """Why the last try failed, as a code: never the server's words, which can hold an address."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)


OVER = {"next_at": None, "address": None, "facts": None, "data_at": None}
"""What every mail that is over has forgotten."""
_TRY = (
    Mail.id == bindparam("mail_id"),
    Mail.fence == bindparam("its_fence"),
    Mail.state == MailState.SENDING,
)


def claim(count: int, lease_s: float) -> Update:
    """waiting, unknown and due, or sending without a lease -> sending; returns what a try needs."""
    due = db.select(Mail.id).where(Mail.next_at <= from_now()).order_by(Mail.next_at)
    # A table expression: PostgreSQL would run a subquery that locks as often as it likes.
    first = due.limit(count).with_for_update(skip_locked=True).cte("first")
    return (
        update(Mail)
        .where(Mail.id.in_(db.select(first.c.id)), Mail.next_at <= from_now())
        .values(
            state=MailState.SENDING,
            fence=Mail.fence + 1,
            next_at=from_now(lease_s),
            in_doubt=Mail.in_doubt | Mail.data_at.is_not(None),
            data_at=None,
        )
        .returning(Mail.id, Mail.fence)
    )


@cache
def begin_data() -> Update:
    """sending, stays: the server is given the text from now on.

    Parameters of this and all that follow: ``mail_id`` and ``its_fence``.
    """
    return update(Mail).where(*_TRY).values(data_at=from_now())


@cache
def finish() -> Update:
    """sending -> sent, failed, or unknown for good: ``new_state``, and ``code`` for the error."""
    values: dict[str, Any] = {"state": bindparam("new_state"), "error": bindparam("code")}
    return update(Mail).where(*_TRY).values({**OVER, **values, "finished_at": from_now()})


@cache
def try_again(after_s: float) -> Update:
    """sending -> waiting, or unknown: the next try is in so many seconds.

    Parameters: ``new_state``, ``doubtful``, and ``code`` for the error.
    """
    values: dict[str, Any] = {"state": bindparam("new_state"), "error": bindparam("code")}
    doubt = {"in_doubt": bindparam("doubtful", type_=Boolean()), "data_at": None}
    return update(Mail).where(*_TRY).values({**values, **doubt, "next_at": from_now(after_s)})


@cache
def hand_back() -> Update:
    """sending -> waiting, or unknown, due at once: it had no turn, and nothing was tried."""
    state = db.case((Mail.in_doubt, MailState.UNKNOWN), else_=MailState.WAITING)
    return update(Mail).where(*_TRY).values(state=state, next_at=from_now())


@cache
def drop() -> Delete:
    """sending -> gone: it is not wanted any more, and was never sent."""
    return delete(Mail).where(*_TRY)


def cancel(key: str) -> bool:
    """Delete a mail that waits, as what it would say is no longer true. The caller commits.

    One that may have been sent stays, and is not tried again.

    :returns: False when there was nothing to cancel.
    """
    of_key = (Mail.key == key, Mail.state.in_([MailState.WAITING, MailState.UNKNOWN]))
    doubtful = update(Mail).where(*of_key, Mail.in_doubt)
    ended = rows_changed(doubtful.values({**OVER, "finished_at": from_now()}))
    return bool(ended + rows_changed(delete(Mail).where(*of_key, ~Mail.in_doubt)))


def reminder_key(who: str, about: str) -> str:
    """Return the key of the one reminder that a recipient ever gets about a network, or a sign-up.

    :param who: as ``of_user`` or ``of_address`` names it.
    """
    return f"reminder:{who}:{about}"
