"""Sends what is due: the service of the kind ``mail`` (app/kinds.py).

A mail is claimed, and committed, before the server is called, and so is the moment from which on
the server may have it. So a worker that is killed leaves a row that says what is known. A few are
claimed and made at a time; what becomes of each is stored before the next one is sent.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import Flask, current_app
from flask_mailman import EmailMultiAlternatives
from sqlalchemy.exc import SQLAlchemyError

from app.background import Run
from app.db import database_now, db, from_now, retry_transient, rollback_quietly
from app.mail import messages
from app.mail.smtp import Conversation, NoAnswer, NotSent
from app.models import Mail, MailState, mail
from app.shutdown import stopping

log = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
"""From one look to the next while no mail is due."""
RUN_SECONDS = 20.0
"""Of one run; what is due then waits for the next one, which begins at once."""
AT_A_TIME = 10
"""Mails that are claimed together, once the server has taken one."""
BATCH_SECONDS = 5.0
"""After which what is left of them is handed back: a slow server keeps no mail from others."""
LEASE_MARGIN_SECONDS = BATCH_SECONDS + 10.0
"""How much longer a mail belongs to a worker than the whole conversation may take."""
GIVE_UP_AFTER = timedelta(days=2)
"""After its time; what was not taken until then has failed."""


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

    @property
    def parameters(self) -> dict[str, int]:
        """Its own parameters of every statement about it."""
        return {"mail_id": self.id, "its_fence": self.fence}


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
    run.again_s = 0 if time.monotonic() >= until and _due(1) else run.every_s
    db.session.commit()
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
                # Only one while nobody knows whether the server is there.
                claimed = retry_transient(lambda: _claim(AT_A_TIME if sent else 1))  # noqa: B023
                if not claimed:
                    break
                sent += _send_batch(server, claimed)
        except _ServerAway:
            pass  # what else is due would only wait for the same
        except SQLAlchemyError as error:
            log.error("the database failed: %s; mails become due again", type(error).__name__)
            rollback_quietly()
        finally:
            server.hang_up()
    return sent


def _claim(count: int) -> dict[int, int]:
    """Take some mails that are due; return their fences by their ids."""
    lease_s = current_app.config["MAIL_TIMEOUT"] + LEASE_MARGIN_SECONDS
    rows = db.session.execute(mail.claim(count, lease_s)).all()
    db.session.commit()
    return {row.id: row.fence for row in rows}


def _send_batch(server: Conversation, claimed: Mapping[int, int]) -> int:
    """Send mails that were claimed together; hand back what has no turn in time.

    :raises _ServerAway: no other mail could be sent now either.
    """
    now, ends = database_now(), time.monotonic() + BATCH_SECONDS
    batch = [(_try_of(one.row, claimed, now), one) for one in messages.made(list(claimed))]
    db.session.commit()  # no transaction stays open while the server is called
    left, sent = [known for known, _one in batch], 0
    try:
        for known, one in batch:
            if known is not batch[0][0] and (stopping.is_set() or time.monotonic() > ends):
                break
            left.remove(known)
            sent += _send(server, known, one)
    finally:
        _hand_back(left)
    return sent


def _try_of(row: Mail, claimed: Mapping[int, int], now: datetime) -> Try:
    return Try(row.id, claimed[row.id], row.in_doubt, row.due_at + GIVE_UP_AFTER <= now)


def _hand_back(left: Sequence[Try]) -> None:
    for known in left:
        _store(mail.hand_back(), known)


def _send(server: Conversation, known: Try, made: messages.Made) -> bool:
    """Try to send one mail and store what is known then; return whether it was sent.

    :raises _ServerAway: no other mail could be sent now either.
    """
    if made.is_broken:
        _put_off(known, "unexpected")
        return False
    if made.message is None:
        _store(mail.drop(), known)
        return False
    try:
        _give(server, known, made.message)
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
    return bool(_store(mail.finish(), known, new_state=MailState.SENT, code=None))


def _give(server: Conversation, known: Try, message: EmailMultiAlternatives) -> None:
    """Give a mail to the server; what nobody has thought of counts as not sent."""

    def begin_data() -> None:
        if not _store(mail.begin_data(), known):
            raise _LeaseLost

    try:
        server.send(message, begin_data)
    except (NotSent, NoAnswer, _LeaseLost, SQLAlchemyError):
        raise
    except Exception as error:
        where = "".join(traceback.format_tb(error.__traceback__))
        log.error("mail %s was not sent: %s\n%s", known.id, type(error).__name__, where)
        rollback_quietly()
        raise NotSent("unexpected") from error


def _put_off(known: Try, code: str) -> None:
    """Let it be tried again later, or give it up."""
    if known.is_old:
        _give_up(known, code)
        return
    delays = current_app.config["MAIL_RETRY_DELAYS"]
    after_s = delays[min(known.fence, len(delays)) - 1]
    state = MailState.UNKNOWN if known.in_doubt else MailState.WAITING
    doubt = {"new_state": state, "doubtful": known.in_doubt}
    _store(mail.try_again(after_s), known, **doubt, code=code)


def _give_up(known: Try, code: str) -> None:
    """Let it be tried no more: it has failed, or nobody knows."""
    state = MailState.UNKNOWN if known.in_doubt else MailState.FAILED
    _store(mail.finish(), known, new_state=state, code=code)


def _store(statement: Any, known: Try, **values: Any) -> int:
    """Run one of a mail's statements in a transaction of its own; return 0 if it is not ours."""

    def work() -> int:
        changed = db.session.connection().execute(statement, known.parameters | values).rowcount
        db.session.commit()
        return changed

    return retry_transient(work)
