"""Messages are rows until they are sent; a worker of the queue ``mail`` sends them."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask, current_app
from sqlalchemy import BigInteger, delete
from sqlalchemy.exc import SQLAlchemyError

from app import apprise, background
from app.background import Run
from app.backoff import backoff_seconds
from app.db import db, from_now, rollback_quietly, rows_changed, utcnow
from app.models import PushMessage, PushTarget, PushWay, push
from app.networks import http
from app.push import vapid
from app.push.addresses import HOOK, WrongAddress, hook_of

log = logging.getLogger(__name__)

AT_A_TIME = 20
AT_ONCE = 4
"""Places that are told at the same time: Apprise takes 57 MB for each."""
IDLE_SECONDS = 15.0
"""From one look to the next, at most."""
LEAST_SECONDS = 0.5
"""The same while something stays due, such as what the database did not let us send."""
LEASE_SECONDS = 60.0
"""Longer than one message takes."""
FIRST_WAIT, MAX_WAIT = 5.0, 600.0
"""Seconds until a message is tried again, at first and at most."""
GIVE_UP_SECONDS = 86_400.0
HOOK_SECONDS = 10.0


def queue(user_id: int, title: str, text: str, path: str) -> int:
    """Store a message for each place where somebody wants to be told; the caller commits.

    :param path: of the page that it leads to, such as ``/tweets/7?job_id=…``.
    :returns: for how many places.
    """
    targets = db.session.scalars(db.select(PushTarget.id).where(PushTarget.user_id == user_id))
    content = {"title": title, "text": text, "path": path}
    now = {"next_at": from_now(), "created_at": from_now()}
    messages = [PushMessage(target_id=one, content=content, **now) for one in targets]
    db.session.add_all(messages)
    if messages:
        background.soon("push")
    return len(messages)


def send_due(run: Run) -> str:
    """Send what is due, to some places at a time; return how many messages were taken.

    Of each place one message: who keeps us waiting keeps nothing from others.
    """
    found = list(db.session.execute(push.due(AT_A_TIME)))
    db.session.expunge_all()
    db.session.commit()
    run.advance(0)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="push") as executor:
        count = sum(executor.map(lambda one: _take(app, run, *one), found))
    run.again_s = 0 if count else _seconds_until_next()
    return str(count)


def _seconds_until_next() -> float:
    """Return for how long nothing will be due; whoever queues a message asks for a run at once."""
    earliest = db.type_coerce(db.func.min(PushMessage.next_at), BigInteger)
    left = db.session.scalar(db.select(earliest - db.type_coerce(from_now(), BigInteger)))
    db.session.commit()
    return IDLE_SECONDS if left is None else max(LEAST_SECONDS, min(IDLE_SECONDS, left / 1000))


def _take(app: Flask, run: Run, message: PushMessage, target: PushTarget) -> bool:
    """Send a message unless another worker does, or this one stops."""
    with app.app_context():
        try:
            run.advance(0)
            is_mine = rows_changed(push.try_message(message.id, LEASE_SECONDS))
            db.session.commit()
            return bool(is_mine) and _send(message, target)
        except SQLAlchemyError as error:
            log.error("the database failed: %s; messages become due again", type(error).__name__)
            rollback_quietly()
            return False


def _send(message: PushMessage, target: PushTarget) -> bool:
    """Send one message; what is sent is deleted, and so is a browser that is gone."""
    try:
        was_taken = _told(target, message.content)
    except vapid.Gone:
        rows_changed(delete(PushTarget).where(PushTarget.id == target.id))
        db.session.commit()
        return False
    except vapid.Unsigned as error:
        log.error("a message to %s %s cannot be signed: %s; it is dropped", *_name(target), error)
        rows_changed(delete(PushMessage).where(PushMessage.id == message.id))
        db.session.commit()
        return False
    except Exception as error:
        # Without the error's words: they may hold an address. It counts as not taken, so that it
        # is given up one day, and what is due after it goes out. Where it happened is told once.
        where = "" if message.tries else "".join(["\n", *traceback.format_tb(error.__traceback__)])
        log.error("a message to %s %s: %s%s", *_name(target), type(error).__name__, where)
        rollback_quietly()
        was_taken = False
    age = (utcnow() - message.created_at).total_seconds()
    if was_taken or age > GIVE_UP_SECONDS:
        rows_changed(delete(PushMessage).where(PushMessage.id == message.id))
    else:
        wait = backoff_seconds(message.tries, MAX_WAIT, FIRST_WAIT)
        rows_changed(push.put_off(message.id, wait))
        rows_changed(push.let_wait(target.id, wait))
        log.warning("a message to %s %s was not taken; again in %.0f s", *_name(target), wait)
    db.session.commit()
    return was_taken


def _name(target: PushTarget) -> tuple[str, int]:
    return target.way, target.id


def _told(target: PushTarget, content: Mapping[str, Any]) -> bool:
    """Call whoever brings it to its person. No transaction is open."""
    if not target.address or not content:  # no key fits any more: nobody can read them
        raise vapid.Gone
    told = {**content, "url": f"{current_app.config['SITE_URL']}{content['path']}"}
    if target.way == PushWay.BROWSER:
        return vapid.send(target.address, told)
    url = target.address["url"]
    if url.startswith(f"{HOOK}://"):
        return _call_hook(url, told)
    message = apprise.Message(told["title"], f"{told['text']}\n{told['url']}")
    return bool(apprise.send(url, [message]))


def _call_hook(url: str, told: Mapping[str, Any]) -> bool:
    """Call a hook as Apprise would, but only at a public address, which is checked again."""
    body = {"version": "1.0", "title": told["title"], "message": told["text"], "type": "info"}
    is_public = not current_app.config["ALLOW_PRIVATE_SERVERS"]
    try:
        hook = hook_of(url)
        answer = http.call(
            "POST",
            hook,
            timeout=HOOK_SECONDS,
            public_only=is_public,
            quiet=True,
            json={**body, "url": told["url"]},
        )
    except (WrongAddress, http.NotSent, http.NoResponse):
        return False
    return 200 <= answer.status < 300
