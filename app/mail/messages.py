"""Mails as they are sent, made of their rows a few at a time."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flask import current_app
from flask_mailman import EmailMultiAlternatives
from flask_mailman.message import utf8_charset_qp
from sqlalchemy.exc import SQLAlchemyError

from app.db import db, utcnow
from app.mail import letters, links, reminders, subscriptions
from app.models import EmailAddress, LinkKind, Mail, User, mail, notice

log = logging.getLogger(__name__)


LINKS = {"confirm": LinkKind.CONFIRM, "sign_up": LinkKind.SIGN_UP}
"""The kinds of mail that are sent for their link, and its kind."""
LATE = timedelta(hours=1)
"""After so long a link is looked at before its mail is sent."""


class Made(NamedTuple):
    """A row, and its mail: None when nobody wants it any more, or when it could not be made."""

    row: Mail
    message: EmailMultiAlternatives | None
    is_broken: bool = False


def made(mail_ids: Sequence[int]) -> list[Made]:
    """Return these mails as they are sent, the oldest first. The caller ends the transaction."""
    found = db.session.execute(
        db.select(Mail, User, EmailAddress)
        .outerjoin(User, User.id == Mail.user_id)
        .outerjoin(EmailAddress, EmailAddress.user_id == Mail.user_id)
        .where(Mail.id.in_(mail_ids))
        .order_by(Mail.due_at, Mail.id)
        .execution_options(populate_existing=True)
    ).all()
    known = [(row, user, mine, row.address or (mine and mine.address)) for row, user, mine in found]
    names = {_named(user, to) for _row, user, _mine, to in known if to}
    unwanted = subscriptions.unwanted(names)
    return [
        Made(row, None)
        if not to or (_named(user, to), row.kind) in unwanted
        else _one(row, user, mine, to)
        for row, user, mine, to in known
    ]


def _named(user: User | None, to: str) -> str:
    return mail.of_user(user.id) if user else mail.of_address(to)


def _one(row: Mail, user: User | None, mine: EmailAddress | None, to: str) -> Made:
    try:
        return Made(row, _message_of(row, user, mine, to) if _is_wanted(row) else None)
    except SQLAlchemyError:
        raise
    except Exception as error:
        # Without the error's words: they may hold an address.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("mail %s could not be made: %s\n%s", row.id, type(error).__name__, where)
        return Made(row, None, is_broken=True)


def _is_wanted(row: Mail) -> bool:
    """Return whether what a mail says is still so, just before it is sent; else it is deleted."""
    if row.kind == "reminder":
        return reminders.is_wanted(row)
    if row.kind in LINKS and row.due_at < utcnow() - LATE:
        # Whoever waited for it has asked for another one, and this one may open nothing any more.
        token = (row.facts or {})["link"].rpartition("/")[2]
        return links.find(token, LINKS[row.kind]) is not None
    about: list[int] = (row.facts or {}).get("notices") or []
    return not about or bool(notice.still_so(about))


def _message_of(
    row: Mail, user: User | None, mine: EmailAddress | None, to: str
) -> EmailMultiAlternatives:
    locale = (user and user.locale) or row.locale or (mine and mine.locale) or "en"
    unsubscribe = _unsubscribe_url(_named(user, to), row.kind)
    facts = {**(row.facts or {}), "user": user, "site": current_app.config["SITE_URL"]}
    letter = letters.write(
        row.kind,
        {**facts, "unsubscribe": unsubscribe},
        locale=locale,
        zone=user.zone if user else ZoneInfo("UTC"),
    )
    # Answering machines leave mails of programs alone (RFC 3834).
    headers = {"Message-ID": row.message_id, "Auto-Submitted": "auto-generated"}
    if unsubscribe:
        headers["List-Unsubscribe"] = f"<{unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    sender = current_app.config["MAIL_FROM"]
    message = EmailMultiAlternatives(letter.subject, letter.text, sender, [to], headers=headers)
    message.encoding = utf8_charset_qp  # every server takes that, whatever it announces
    message.attach_alternative(letter.html, "text/html")
    return message


def _unsubscribe_url(who: str, kind: str) -> str | None:
    """Return where one click ends this kind of mail; None for what was asked for in a page."""
    if kind in subscriptions.ASKED_FOR:
        return None
    return f"{current_app.config['SITE_URL']}/unsubscribe/{subscriptions.token_of(who, kind)}"
