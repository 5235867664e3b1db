"""Sends the messages that are due to ALERT_URLS; what fails is tried again later."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from flask import current_app
from flask_babel import force_locale
from sqlalchemy import Update

from app import apprise
from app.alerts.sentences import TABS, text_of, title_of
from app.backoff import backoff_seconds
from app.db import db, rows_changed, utcnow
from app.models import Alert, AlertMessage, Told
from app.models import alert as rows

log = logging.getLogger(__name__)

AT_A_TIME = 50
FIRST_WAIT, MAX_WAIT = 2.0, 600.0
"""Seconds until a message is tried again, at first and at most."""
GIVE_UP_SECONDS = 86_400.0


def fingerprints() -> dict[str, str]:
    """Return the URLs of ALERT_URLS by what rows call them."""
    return {_fingerprint(url): url for url in current_app.config["ALERT_URLS"]}


def _fingerprint(url: str) -> str:
    """Return a name that tells nothing: keyed, so that nobody finds a short password by trying."""
    key = current_app.config["TOKEN_KEYS"][0].encode()
    return hashlib.blake2b(url.encode(), key=key[:64], digest_size=8).hexdigest()


def send_due(may_go_on: Callable[[], bool]) -> None:
    """Send what is due, to one target after the other; one that fails keeps nothing from others.

    :param may_go_on: asked before each target; renews the lease.
    """
    for target, messages in _due().items():
        if not may_go_on():
            return
        if mine := [one for one in messages if rows_changed(_try(one.message))]:
            db.session.commit()
            _send(target, mine)
        db.session.commit()


class Due(NamedTuple):
    """A message that is to be sent now."""

    message: AlertMessage
    alert: Alert


def _due() -> dict[str, list[Due]]:
    """Return the messages of each target, detached: no transaction lasts while they are sent."""
    found: dict[str, list[Due]] = {}
    for message, alert in db.session.execute(rows.due_messages(AT_A_TIME)):
        found.setdefault(message.target, []).append(Due(message, alert))
    db.session.expunge_all()
    db.session.commit()
    return found


def _try(message: AlertMessage) -> Update:
    return rows.try_message(message.id, 2 * apprise.SEND_SECONDS)


def _send(target: str, due: list[Due]) -> None:
    """Send messages to one target, and store what became of them."""
    urls = fingerprints()
    if target not in urls:  # it was taken out of ALERT_URLS since
        for one in due:
            rows_changed(rows.put_off(one.message.id, None))
        return
    words = [_words(one.alert, Told(one.message.told)) for one in due]
    taken = apprise.send(urls[target], words)
    for one in due[:taken]:
        rows_changed(rows.sent(one.message.id))
    for one in due[taken:]:
        _fail(one.message, [*urls].index(target) + 1)


def _words(alert: Alert, told: Told) -> apprise.Message:
    """Return what is told of an alert."""
    with force_locale("en"):
        began = _at(alert.began_at)
        title, text = title_of(alert), text_of(alert)
        if told == Told.OVER and alert.over_at is not None:
            title, text = f"Over: {title}", f"From {began} to {_at(alert.over_at)}."
        else:
            text = f"{text} Since {began}."
    kind = "success" if told == Told.OVER else "warning"
    address = url_of(alert)
    return apprise.Message(title, f"{text}\n{address}" if address else text, kind)


def url_of(alert: Alert) -> str | None:
    """Return the address of the tab that shows more; None while nobody has said our own."""
    site = current_app.config["APP_URL"]
    return site and f"{site}/operations/{TABS[alert.condition]}"


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _fail(message: AlertMessage, number: int) -> None:
    """Try again later, for a day. The log says which target it is, and nothing of its URL."""
    age = (utcnow() - message.created_at).total_seconds()
    wait = None if age > GIVE_UP_SECONDS else backoff_seconds(message.tries, MAX_WAIT, FIRST_WAIT)
    rows_changed(rows.put_off(message.id, wait))
    then = "given up" if wait is None else f"again in {wait:.0f} s"
    log.error("number %s of ALERT_URLS did not take an alert; %s", number, then)
