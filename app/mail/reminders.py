"""The one reminder of what somebody began and did not finish: a sign-up, or connecting an account.

It is stored when that begins, for a day later, and deleted when it is finished. Its key makes it
the only one, through restarts and with any number of workers.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import current_app

from app.db import database_now, db
from app.mail import links
from app.mail.outbox import queue, queue_to
from app.models import Account, EmailAddress, LinkKind, Mail, mail

SIGN_UP = "sign-up"


def after_sign_up(address: str, locale: str) -> None:
    """Remind an address of its sign-up, with a link of its own. The caller commits."""
    token, after_s = links.new_token(), current_app.config["REMINDER_AFTER"]
    is_new = queue_to(
        address,
        "reminder",
        {"about": SIGN_UP, "title": "", "link": f"/sign-up/{token}"},
        locale=locale,
        key=mail.reminder_key(mail.of_address(address), SIGN_UP),
        not_before=_due_at(after_s),
    )
    if is_new:
        links.keep(token, LinkKind.SIGN_UP, address, from_s=after_s)


def after_beginning(user_id: int, network: str, title: str) -> None:
    """Remind a person of an account that they began to connect. The caller commits.

    :param network: its name; ``title`` is how people read it.
    """
    queue(
        user_id,
        "reminder",
        {"about": network, "title": title, "link": "/accounts"},
        key=mail.reminder_key(mail.of_user(user_id), network),
        not_before=_due_at(current_app.config["REMINDER_AFTER"]),
    )


def not_needed(user_id: int, network: str) -> None:
    """Forget the reminder: the person has refused. The caller commits."""
    mail.cancel(mail.reminder_key(mail.of_user(user_id), network))


def is_wanted(row: Mail) -> bool:
    """Return whether what a reminder is about is still unfinished."""
    about = (row.facts or {}).get("about")
    if about == SIGN_UP:
        finished = db.select(EmailAddress.user_id).where(EmailAddress.address == row.address)
    else:
        theirs = (Account.user_id == row.user_id, Account.network == about, Account.connected)
        finished = db.select(Account.id).where(*theirs, Account.created_at >= row.created_at)
    return db.session.scalar(finished.limit(1)) is None


def _due_at(after_s: float) -> datetime:
    return database_now() + timedelta(seconds=after_s)
