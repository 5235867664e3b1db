"""Sends what is due: the service of the kind ``mail`` (app/kinds.py).

A mail is claimed, and committed, before the server is called, and so is the moment from which on
the server may have it. So a worker that is killed leaves a row that says what is known.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask import Flask, current_app
from flask_mailman import EmailMultiAlternatives
from flask_mailman.message import utf8_charset_qp
from sqlalchemy.exc import SQLAlchemyError

from app.background import Run
from app.db import database_now, db, from_now, retry_transient, rollback_quietly, rows_changed
from app.mail import letters, reminders, subscriptions
from app.mail.smtp import Conversation, NoAnswer, NotSent
from app.models import EmailAddress, Mail, MailState, User, mail
from app.shutdown import stopping

log = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
"""From one look to the next while no mail is due."""
RUN_SECONDS = 20.0
"""Of one run; what is due then waits for the next one, a few seconds later."""
LEASE_MARGIN_SECONDS = 10.0
"""How much longer a mail belongs to a worker than the whole conversation may take."""
GIVE_UP_AFTER = timedelta(days=2)
"""After its time; what was not taken until then has failed."""
STILL_WANTED: dict[str, Callable[[Mail], bool]] = {"reminder": reminders.is_wanted}
"""By kind, what is asked just before sending; what is not wanted any more is deleted."""


class _LeaseLost(Exception):
    """Another worker has taken the mail."""


class _ServerAway(Exception):
    """The mail server is not there, or does not answer."""


class Try(NamedTuple):
    """A mail that was claimed, as what becomes of it is stored."""

    id: int
    fence: int
    in_doubt: bool
    is_old: bool


def send_due(run: Run) -> str:
    """Send what is due, some mails at a time; return how many were sent."""
    if not current_app.config["MAIL_URL"]:
        run.again_s = IDLE_SECONDS
        return "off"
    lanes = _due(current_app.config["QUEUE_CONCURRENCY"]["mail"])
    db.session.commit()
    if not lanes:
        run.again_s = IDLE_SECONDS  # whoever stores a mail asks for a run at once
        return "0"
    until = time.monotonic() + RUN_SECONDS
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(lanes, thread_name_prefix="mail") as executor:
        sent = list(executor.map(lambda _lane: _send_some(app, until), range(lanes)))
    run.advance(0)
    return str(sum(sent))


def _due(most: int) -> int:
    """Return how many mails are due, counted up to ``most``."""
    due = db.select(Mail.id).where(Mail.next_at <= from_now()).limit(most).subquery()
    return db.session.scalar(db.select(db.func.count()).select_from(due)) or 0


def _send_some(app: Flask, until: float) -> int:
    """Send one mail after the other on one connection; return how many were sent."""
    sent = 0
    with app.app_context():
        server = Conversation()
        try:
            while time.monotonic() < until and not stopping.is_set():
                claimed = retry_transient(_claim)
                if claimed is None:
                    break
                sent += _send(server, *claimed)
        except _ServerAway:
            pass  # what else is due would only wait for the same
        except SQLAlchemyError as error:
            log.error("the database failed: %s; mails become due again", type(error).__name__)
            rollback_quietly()
        finally:
            server.hang_up()
    return sent


def _claim() -> tuple[int, int] | None:
    lease_s = current_app.config["MAIL_TIMEOUT"] + LEASE_MARGIN_SECONDS
    row = db.session.execute(mail.claim(lease_s)).one_or_none()
    db.session.commit()
    return None if row is None else (row.id, row.fence)


def _send(server: Conversation, mail_id: int, fence: int) -> bool:
    """Try to send one mail and store what is known then; return whether it was sent.

    :raises _ServerAway: no other mail could be sent now either.
    """
    row = db.session.get_one(Mail, mail_id, populate_existing=True)
    known = Try(mail_id, fence, row.in_doubt, row.due_at + GIVE_UP_AFTER <= database_now())
    try:
        message = _message_of(row)
        db.session.commit()  # no transaction stays open while the server is called
        if message is None:
            _store(mail.drop(mail_id, fence))
            return False
        server.send(message, lambda: _begin_data(mail_id, fence))
    except NotSent as problem:
        if problem.permanent:
            _give_up(known, problem.code)
        else:
            _put_off(known, problem.code)
        if not problem.connected:
            raise _ServerAway from problem
        return False
    except NoAnswer as problem:
        _put_off(known._replace(in_doubt=True), problem.code)
        raise _ServerAway from problem
    except _LeaseLost:
        return False
    except SQLAlchemyError:
        raise
    except Exception as error:
        # Without the error's words: they may hold an address.
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("mail %s could not be made: %s\n%s", mail_id, type(error).__name__, where)
        rollback_quietly()
        _put_off(known, "unexpected")
        return False
    return bool(_store(mail.finish(mail_id, fence, MailState.SENT)))


def _begin_data(mail_id: int, fence: int) -> None:
    if not _store(mail.begin_data(mail_id, fence)):
        raise _LeaseLost


def _put_off(known: Try, code: str) -> None:
    """Let it be tried again later, or give it up."""
    if known.is_old:
        _give_up(known, code)
        return
    delays = current_app.config["MAIL_RETRY_DELAYS"]
    after_s = delays[min(known.fence, len(delays)) - 1]
    _store(mail.try_again(known.id, known.fence, after_s, code, known.in_doubt))


def _give_up(known: Try, code: str) -> None:
    """Let it be tried no more: it has failed, or nobody knows."""
    state = MailState.UNKNOWN if known.in_doubt else MailState.FAILED
    _store(mail.finish(known.id, known.fence, state, code))


def _store(statement: Any) -> int:
    def work() -> int:
        changed = rows_changed(statement)
        db.session.commit()
        return changed

    return retry_transient(work)


def _message_of(row: Mail) -> EmailMultiAlternatives | None:
    """Return a mail as it is sent; None when nobody wants it any more."""
    user = None if row.user_id is None else db.session.get(User, row.user_id)
    mine = None if user is None else db.session.get(EmailAddress, user.id, populate_existing=True)
    to = row.address or (mine and mine.address)
    if not to or not STILL_WANTED.get(row.kind, lambda _row: True)(row):
        return None
    who = mail.of_user(user.id) if user else mail.of_address(to)
    if not subscriptions.wants(who, row.kind):
        return None
    locale = (user and user.locale) or row.locale or (mine and mine.locale) or "en"
    unsubscribe = _unsubscribe_url(who, row.kind)
    facts = {**(row.facts or {}), "user": user, "site": current_app.config["SITE_URL"]}
    letter = letters.write(
        row.kind,
        {**facts, "unsubscribe": unsubscribe},
        locale=locale,
        zone=user.zone if user else ZoneInfo("UTC"),
    )
    headers = {"Message-ID": row.message_id}
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
