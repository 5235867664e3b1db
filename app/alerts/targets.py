"""Sends the messages that are due to ALERT_URLS; what fails is tried again later."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from flask import Flask, current_app
from flask_babel import force_locale
from sqlalchemy import Update

from app import apprise
from app.alerts.sentences import TABS, text_of, title_of
from app.backoff import backoff_seconds
from app.db import db, retry_transient, rows_changed, utcnow
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


class Sender:
    """Sends in threads, one for each target: who keeps us waiting keeps nothing from others."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._busy: set[str] = set()
        self._changing = threading.Condition()

    def send_due(self, may_go_on: Callable[[], bool]) -> None:
        """Begin to send what is due.

        :param may_go_on: asked before each target; renews the lease.
        """
        for target, messages in _due().items():
            if target in self._busy:
                continue
            if not may_go_on():
                return
            mine = [one for one in messages if rows_changed(_try(one.message))]
            db.session.commit()
            if mine:
                self._begin(target, mine)

    def join(self, seconds: float) -> None:
        """Wait for what is being sent; what takes longer is tried again."""
        with self._changing:
            self._changing.wait_for(lambda: not self._busy, seconds)

    def _begin(self, target: str, due: list[Due]) -> None:
        with self._changing:
            self._busy.add(target)
        run = threading.Thread(target=self._run, args=(target, due), name="alert", daemon=True)
        run.start()

    def _run(self, target: str, due: list[Due]) -> None:
        try:
            with self._app.app_context():
                retry_transient(_storing(_sent(target, due)))
        except Exception as error:
            log.error("telling operators failed: %s", type(error).__name__)
        finally:
            with self._changing:
                self._busy.discard(target)
                self._changing.notify_all()


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


def _sent(target: str, due: list[Due]) -> list[Update]:
    """Send messages to one target; return the statements that store what became of them."""
    urls = fingerprints()
    if target not in urls:  # it was taken out of ALERT_URLS since
        return [rows.put_off(one.message.id, None) for one in due]
    words = [_words(one.alert, Told(one.message.told)) for one in due]
    taken = apprise.send(urls[target], words)
    number = [*urls].index(target) + 1
    done = [rows.sent(one.message.id) for one in due[:taken]]
    return done + [_failed(one.message, number) for one in due[taken:]]


def _storing(statements: list[Update]) -> Callable[[], None]:
    def work() -> None:
        for statement in statements:
            rows_changed(statement)
        db.session.commit()

    return work


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


def _failed(message: AlertMessage, number: int) -> Update:
    """Let it be tried again later, for a day.

    The log says which target it is, and nothing of its URL.
    """
    age = (utcnow() - message.created_at).total_seconds()
    wait = None if age > GIVE_UP_SECONDS else backoff_seconds(message.tries, MAX_WAIT, FIRST_WAIT)
    then = "given up" if wait is None else f"again in {wait:.0f} s"
    log.error("number %s of ALERT_URLS did not take an alert; %s", number, then)
    return rows.put_off(message.id, wait)
