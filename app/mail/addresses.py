"""The address of a person: typed, confirmed by a link, changed and removed."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from flask import current_app
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from app.accounts import connections, deletion, sign_in_methods
from app.db import db, rows_changed, utcnow
from app.mail import links, reminders
from app.mail.outbox import queue_to
from app.models import EmailAddress, LinkKind, mail


class BadAddress(ValueError):
    """No mail can be sent to such an address."""


class LinkGone(Exception):
    """The link was used, is too old, or its address is not wanted any more."""


class AddressTaken(Exception):
    """Another person here has confirmed the address since the link was sent."""


class LastWayIn(Exception):
    """Without the address its owner could never sign in again."""


def normalised(typed: str) -> str:
    """Return an address as it is stored and compared: its domain in lower case, and in ASCII.

    No other server is asked. What stands before the ``@`` is its server's business.

    :raises BadAddress: it is malformed.
    """
    try:
        known = validate_email(
            typed.strip(),
            check_deliverability=False,
            allow_smtputf8=False,
            globally_deliverable=current_app.config["PRODUCTION"],
        )
    except EmailNotValidError as error:
        raise BadAddress from error
    return str(known.ascii_email or known.normalized)


def of(user_id: int) -> EmailAddress | None:
    """Return the row of a person's address; None for who has none."""
    return db.session.get(EmailAddress, user_id, populate_existing=True)


def add(user_id: int, address: str, locale: str) -> None:
    """Send a link to an address that somebody typed, and commit. The old one stays until then.

    Whether somebody else has it makes no difference: nobody can ask us who has an address.

    :param address: as ``normalised`` returns it.
    :param locale: the language of the page.
    """
    row = of(user_id) or EmailAddress(user_id=user_id)
    row.waiting, row.locale = address, locale
    db.session.add(row)
    token = links.new_token()
    links.keep(token, LinkKind.CONFIRM, address, user_id)
    facts = {"link": f"/email/confirm/{token}", "address": address}
    queue_to(address, "confirm", facts, locale=locale, user_id=user_id)
    db.session.commit()


def confirm(token: str) -> int:
    """Make the address of a link its person's address, and commit; return whose.

    :raises LinkGone, AddressTaken: nothing was changed.
    """
    link = links.use(token, LinkKind.CONFIRM)
    row = None if link is None or link.user_id is None else of(link.user_id)
    if link is None or row is None or row.waiting != link.address:
        db.session.rollback()
        raise LinkGone
    user_id = row.user_id
    row.address, row.waiting, row.confirmed_at = link.address, None, utcnow()
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise AddressTaken from error
    return user_id


def remove(user_id: int) -> None:
    """Forget a person's address, and commit.

    :raises LastWayIn: they have no account to sign in with.
    """
    sign_in_methods.lock(user_id)
    row = of(user_id)
    can_sign_in = sign_in_methods.opening(sign_in_methods.accounts_of(user_id))
    if row is not None and row.address and not can_sign_in:
        db.session.rollback()
        raise LastWayIn
    rows_changed(delete(EmailAddress).where(EmailAddress.user_id == user_id))
    db.session.commit()


def begin_sign_up(address: str, locale: str) -> None:
    """Send a link that signs in whoever reads the mail, and commit.

    :param address: as ``normalised`` returns it; known here or not.
    """
    token = links.new_token()
    links.keep(token, LinkKind.SIGN_UP, address)
    queue_to(address, "sign_up", {"link": f"/sign-up/{token}"}, locale=locale)
    reminders.after_sign_up(address, locale)
    db.session.commit()


def finish_sign_up(token: str, locale: str) -> int:
    """Return the person of a link's address, made now if there was none, and commit.

    :raises LinkGone: nothing was changed.
    """
    deletion.close_due()
    link = links.use(token, LinkKind.SIGN_UP)
    if link is None:
        db.session.rollback()
        raise LinkGone
    address = link.address
    links.use_up(LinkKind.SIGN_UP, address)
    mail.cancel(mail.reminder_key(mail.of_address(address), reminders.SIGN_UP))
    user_id = _owner_of(address)
    if user_id is None:
        user_id = connections.new_user(current_app.config["FIRST_USER_ROLE"])
        row = EmailAddress(user_id=user_id, address=address, locale=locale)
        row.confirmed_at = utcnow()
        db.session.add(row)
    try:
        db.session.commit()
    except IntegrityError as error:  # confirmed by somebody in the same moment
        db.session.rollback()
        raise LinkGone from error
    return user_id


def _owner_of(address: str) -> int | None:
    return db.session.scalar(db.select(EmailAddress.user_id).where(EmailAddress.address == address))
