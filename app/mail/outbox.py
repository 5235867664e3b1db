"""The outbox: what is to be sent is stored as a row, in the transaction of what it tells about."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from flask import current_app
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from app import background
from app.db import database_now, db, from_now, rows_changed
from app.mail import subscriptions
from app.models import EmailAddress, Mail, MailState, mail

KEPT_SECONDS = 30 * 86_400
"""How long a mail that is over stays to be looked at."""


def is_offered() -> bool:
    """Whether a mail server is set up here: without one, nothing may be offered that needs it."""
    return bool(current_app.config["MAIL_URL"])


def queue(
    user_id: int,
    kind: str,
    facts: Mapping[str, Any],
    key: str | None = None,
    not_before: datetime | None = None,
) -> bool:
    """Store a mail to a person's confirmed address. The caller commits.

    :param kind: the name of its templates in ``app/templates/mail/``.
    :param facts: what the templates fill in; JSON.
    :param key: two mails of one key are one mail, even if the first one was sent long ago.
    :param not_before: when it is due, by default now.
    :returns: False when nothing was stored: there is no server or no confirmed address, the person
        does not want this kind, or the key is known.
    """
    if not is_offered() or not subscriptions.wants(mail.of_user(user_id), kind):
        return False
    mine = (EmailAddress.user_id == user_id, EmailAddress.address.is_not(None))
    if db.session.scalar(db.select(EmailAddress.user_id).where(*mine)) is None:
        return False
    return _store(kind, facts, key, not_before, user_id=user_id)


def queue_to(
    address: str,
    kind: str,
    facts: Mapping[str, Any],
    *,
    locale: str,
    user_id: int | None = None,
    key: str | None = None,
    not_before: datetime | None = None,
) -> bool:
    """Store a mail to an address that is not confirmed yet. The caller commits.

    :param user_id: the person who typed it; None for a sign-up.
    :param locale: the language of the page that asked for it.
    :returns: False when nothing was stored, as in ``queue``.
    """
    if not is_offered() or not subscriptions.wants(mail.of_address(address), kind):
        return False
    to = {"address": address, "locale": locale, "user_id": user_id}
    return _store(kind, facts, key, not_before, **to)


def _store(
    kind: str, facts: Mapping[str, Any], key: str | None, not_before: datetime | None, **to: Any
) -> bool:
    due_at = not_before or database_now()
    row = {
        **to,
        "kind": kind,
        "facts": dict(facts),
        "key": key,
        "message_id": _new_message_id(),
        "state": MailState.WAITING,
        "due_at": due_at,
        "next_at": due_at,
    }
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    stored = insert(Mail).values(row).on_conflict_do_nothing(index_elements=[Mail.key])
    is_new = db.session.scalar(stored.returning(Mail.id)) is not None
    if is_new and not_before is None:
        background.soon("mail")
    return is_new


def _new_message_id() -> str:
    domain = parseaddr(current_app.config["MAIL_FROM"])[1].rpartition("@")[2]
    return f"<{uuid.uuid4().hex}@{domain}>"


def forget_old() -> int:
    """Delete mails that were over a month ago, and commit; return how many.

    Reminders stay, without address and text: there is one, ever.
    """
    old = (Mail.finished_at < from_now(-KEPT_SECONDS), Mail.kind != "reminder")
    count = rows_changed(delete(Mail).where(*old))
    db.session.commit()
    return count
