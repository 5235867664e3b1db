"""The apps that Mastodon servers registered for us, shared by all processes.

A row without an app is a lease: whoever made it is registering, the others wait for the app to
appear in it. No transaction is open while a server is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.exc import IntegrityError

from app.db import database_now, db, from_now, rows_changed
from app.models import ServerApp
from app.networks.base import LookUpFailed

App = dict[str, Any]
LEASE = timedelta(seconds=30)
"""Longer than all calls of one registration may take together."""
PATIENCE = 20.0
"""Seconds for which somebody else's registration is waited for: a person waits for the page."""
GLANCE = 0.1
"""Seconds between two looks at it."""


class ServerApps:
    """Keeps them in the database, encrypted."""

    def get(self, server: str, redirect_uri: str) -> App | None:
        """Return the app, None when there is none yet."""
        found = db.session.scalar(db.select(ServerApp.app).where(_is(server, redirect_uri)))
        db.session.commit()
        return found or None

    def made_once(self, server: str, redirect_uri: str, register: Callable[[], App]) -> App:
        """Return the app, registered by whoever comes first.

        :raises LookUpFailed: somebody else is registering it and does not come to an end.
        """
        ends_at = time.monotonic() + PATIENCE
        while time.monotonic() < ends_at:
            app = self.get(server, redirect_uri)
            if app:
                return app
            taken_at = _take(server, redirect_uri)
            if taken_at is None:
                time.sleep(GLANCE)
            elif app := _fill(server, redirect_uri, taken_at, register):
                return app
        raise LookUpFailed("somebody else is registering the app")

    def forget(self, server: str, redirect_uri: str, app: Mapping[str, Any]) -> None:
        """Let go of an app, unless another took its place."""
        row = db.session.execute(
            db.select(ServerApp.app, ServerApp.created_at).where(_is(server, redirect_uri))
        ).first()
        if row is not None and row.app.get("client_id") == app["client_id"]:
            _drop(server, redirect_uri, row.created_at)
        db.session.commit()


def _is(server: str, redirect_uri: str) -> ColumnElement[bool]:
    return (ServerApp.server == server) & (ServerApp.redirect_uri == redirect_uri)


def _take(server: str, redirect_uri: str) -> datetime | None:
    """Begin to register, unless somebody is at it; return the lease's own moment."""
    now = database_now()
    held = db.session.execute(
        db.select(ServerApp.app, ServerApp.created_at).where(_is(server, redirect_uri))
    ).first()
    if held is None:
        return _lay(server, redirect_uri, now)
    if held.app or held.created_at > now - LEASE:
        db.session.commit()
        return None
    statement = (
        update(ServerApp)
        .where(_is(server, redirect_uri), ServerApp.created_at == held.created_at)
        .values(created_at=now, app={})
    )
    taken = rows_changed(statement)
    db.session.commit()
    return now if taken else None


def _lay(server: str, redirect_uri: str, now: datetime) -> datetime | None:
    try:
        db.session.add(ServerApp(server=server, redirect_uri=redirect_uri, app={}, created_at=now))
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return None
    return now


def _fill(
    server: str, redirect_uri: str, taken_at: datetime, register: Callable[[], App]
) -> App | None:
    """Register; return None when it took so long that somebody else does it anew."""
    try:
        app = register()
    except BaseException:
        _drop(server, redirect_uri, taken_at)
        db.session.commit()
        raise
    statement = (
        update(ServerApp)
        .where(_is(server, redirect_uri), ServerApp.created_at == taken_at)
        .values(app=app, created_at=from_now())
    )
    filled = rows_changed(statement)
    db.session.commit()
    return app if filled else None


def _drop(server: str, redirect_uri: str, made_at: datetime) -> None:
    rows_changed(
        delete(ServerApp).where(_is(server, redirect_uri), ServerApp.created_at == made_at)
    )
