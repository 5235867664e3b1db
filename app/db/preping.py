"""Checks whether a pooled connection to PostgreSQL still works."""

from __future__ import annotations

import select
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

TRUSTED_FOR = 1.0
"""Seconds after its last use for which a connection without unread data is not pinged."""


def watch(engine: Engine) -> None:
    """Ping a connection before it is used, like SQLAlchemy's ``pool_pre_ping``.

    If it was used within the last second, only its socket is checked: a server that ended the
    connection has sent a message, and the socket shows this without a round trip.
    """
    failures = (DBAPIError, engine.dialect.loaded_dbapi.Error)

    @event.listens_for(engine, "checkin")
    def _note_the_time(connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _check(connection: Any, record: Any, _fairy: Any) -> None:
        used_at = record.info.get("used_at")
        if used_at is None:
            return  # just opened: no need to check it
        if time.monotonic() - used_at < TRUSTED_FOR and not _has_something_to_say(connection):
            return
        try:
            engine.dialect.do_ping(connection)
        except failures as error:
            raise InvalidatePoolError from error


def _has_something_to_say(connection: Any) -> bool:
    if connection.closed:
        return True
    waiting = select.poll()  # and not select(), which knows the first 1,024 sockets only
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
