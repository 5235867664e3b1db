"""The apps that Mastodon servers registered for us, and what we know of these servers.

All processes share both. A row without an app is a lease: whoever made it is registering, the
others wait for the app to appear in it. No transaction is open while a server is asked.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from authlib.common.security import generate_token
from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.exc import IntegrityError

from app.db import database_now, db, from_now, rows_changed
from app.models import ConnectionApp, MastodonServer, ServerApp
from app.networks import ANEW_REST, App, Known, LookUpFailed, mark_of, too_soon

REGISTRATION_LEASE = timedelta(seconds=30)
"""Length of the lease: longer than all calls of one registration together."""
MAX_REGISTER_SECONDS = 20.0
"""Seconds to wait for another process's registration; a person is waiting for the page."""
GLANCE = 0.1
"""Seconds between two looks at it."""
WALK = 3_600.0
"""Seconds for which an app of one connection waits for its person to come back; as long as one
that another took the place of."""
FORMER = "former-"
"""What the key of such a one begins with."""


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
        ends_at = time.monotonic() + MAX_REGISTER_SECONDS
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
        """Delete an app, unless another has replaced it."""
        row = db.session.execute(
            db.select(ServerApp.app, ServerApp.created_at).where(_is(server, redirect_uri))
        ).first()
        if row is not None and row.app.get("client_id") == app["client_id"]:
            _drop(server, redirect_uri, row.created_at)
        db.session.commit()

    def replaced(
        self, server: str, redirect_uri: str, mark: str, register: Callable[[], App]
    ) -> App:
        """Return another app than that of this mark, registered by whoever asks first.

        :raises ConnectRefused: just_registered.
        :raises LookUpFailed: somebody else is registering it and does not come to an end.
        """
        ends_at = time.monotonic() + MAX_REGISTER_SECONDS
        while time.monotonic() < ends_at:
            app = self.get(server, redirect_uri)
            if app is None:
                return self.made_once(server, redirect_uri, register)
            if mark_of(app) != mark:
                return app
            if _may_replace(server, redirect_uri):
                return _replace(server, redirect_uri, app, register)
            time.sleep(GLANCE)
        raise LookUpFailed("somebody else is registering the app")

    def former(self, server: str, mark: str) -> App | None:
        """Return an app that was replaced within the last hour."""
        is_it = (ConnectionApp.id == _former_key(server, mark)) & (ConnectionApp.server == server)
        app = db.session.scalar(db.select(ConnectionApp.app).where(is_it))
        db.session.commit()
        return app

    def keep_for_one(self, server: str, app: App) -> str:
        """Keep an app for one connection alone; return the key under which it is found."""
        key = generate_token(24)
        _keep(key, server, app)
        db.session.commit()
        return key

    def take_for_one(self, server: str, key: str) -> App | None:
        """Return that app to the first who asks, and let go of it."""
        is_it = (ConnectionApp.id == key) & (ConnectionApp.server == server)
        app = db.session.scalar(db.select(ConnectionApp.app).where(is_it))
        taken = rows_changed(delete(ConnectionApp).where(is_it)) if app else 0
        db.session.commit()
        return app if taken else None

    def known(self, server: str) -> Known:
        """Return what is known of a server."""
        row = db.session.execute(
            db.select(MastodonServer.checks_codes, MastodonServer.answered_at).where(
                MastodonServer.url == server
            )
        ).first()
        db.session.commit()
        return Known(row.checks_codes, row.answered_at is not None) if row else Known()

    def note_no_check(self, server: str) -> None:
        """Note for ever that a server gives tokens for invented codes."""
        _note(server, checks_codes=False)

    def note_return(self, server: str, checks_codes: bool) -> None:
        """Note that somebody came back with an account, and whether an invented code was refused.

        What ``note_no_check`` said before stays.
        """
        _note(server, answered_at=from_now())
        if checks_codes:
            unknown = MastodonServer.checks_codes.is_(None)
            rows_changed(
                update(MastodonServer)
                .where(MastodonServer.url == server, unknown)
                .values(checks_codes=True)
            )
            db.session.commit()


def has_answered(host: str) -> bool:
    """Whether somebody once came back with an account from the server of that name.

    :param host: as in an address, with a port where it is not the usual one.
    """
    urls = [f"{scheme}://{host}" for scheme in ("https", "http")]
    found = db.session.scalar(
        db.select(MastodonServer.url).where(
            MastodonServer.url.in_(urls), MastodonServer.answered_at.is_not(None)
        )
    )
    db.session.commit()
    return found is not None


def _note(server: str, **facts: Any) -> None:
    """Store facts about a server; create its row if missing."""
    statement = update(MastodonServer).where(MastodonServer.url == server).values(**facts)
    if not rows_changed(statement):
        try:
            db.session.add(MastodonServer(url=server, **facts))
            db.session.commit()
        except IntegrityError:
            db.session.rollback()  # another process created it at the same time
            rows_changed(statement)
    db.session.commit()


def _is(server: str, redirect_uri: str) -> ColumnElement[bool]:
    return (ServerApp.server == server) & (ServerApp.redirect_uri == redirect_uri)


def _take(server: str, redirect_uri: str) -> datetime | None:
    """Take the lease for a registration unless another has it; return its timestamp."""
    now = database_now()
    held = db.session.execute(
        db.select(ServerApp.app, ServerApp.created_at).where(_is(server, redirect_uri))
    ).first()
    if held is None:
        return _lay(server, redirect_uri, now)
    if held.app or held.created_at > now - REGISTRATION_LEASE:
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


def _may_replace(server: str, redirect_uri: str) -> bool:
    """Whether this one may register another app; False while somebody else does.

    :raises ConnectRefused: that was done a short while ago.
    """
    now = database_now()
    made_at, anew_at = _times_of(server, redirect_uri)
    is_done = anew_at is not None and made_at >= anew_at
    rest = timedelta(seconds=ANEW_REST) if is_done else REGISTRATION_LEASE
    if anew_at is not None and anew_at >= now - rest:
        db.session.commit()
        if is_done:
            raise too_soon()
        return False
    unchanged = ServerApp.anew_at.is_(None) if anew_at is None else ServerApp.anew_at == anew_at
    statement = (
        update(ServerApp)
        .where(_is(server, redirect_uri), ServerApp.created_at == made_at, unchanged)
        .values(anew_at=now)
    )
    taken = bool(rows_changed(statement))
    db.session.commit()
    return taken


def _times_of(server: str, redirect_uri: str) -> tuple[datetime, datetime | None]:
    """Return when an app was made, and when another was last asked for in its place."""
    row = db.session.execute(
        db.select(ServerApp.created_at, ServerApp.anew_at).where(_is(server, redirect_uri))
    ).first()
    return (row.created_at, row.anew_at) if row else (database_now(), None)


def _replace(server: str, redirect_uri: str, old: App, register: Callable[[], App]) -> App:
    """Register, and put it in the place of the old one; if that is gone, it is for one person."""
    here = _is(server, redirect_uri)
    try:
        fresh = register()
    except BaseException:
        rows_changed(update(ServerApp).where(here).values(anew_at=None))
        db.session.commit()
        raise
    row = db.session.execute(db.select(ServerApp.app, ServerApp.created_at).where(here)).first()
    is_there = row is not None and row.app.get("client_id") == old["client_id"]
    is_same = here & (ServerApp.created_at == (row.created_at if row else None))
    change = update(ServerApp).where(is_same).values(app=fresh, created_at=from_now())
    kept = old if is_there and rows_changed(change) else fresh
    _keep(_former_key(server, mark_of(kept)), server, kept)
    db.session.commit()
    return fresh


def _former_key(server: str, mark: str) -> str:
    return f"{FORMER}{mark}-{hashlib.sha256(server.encode()).hexdigest()[:24]}"


def _keep(key: str, server: str, app: App) -> None:
    """Keep an app until nobody comes back any more; commit is the caller's."""
    db.session.execute(delete(ConnectionApp).where(ConnectionApp.created_at < from_now(-WALK)))
    db.session.merge(ConnectionApp(id=key, server=server, app=app, created_at=database_now()))


def _drop(server: str, redirect_uri: str, made_at: datetime) -> None:
    rows_changed(
        delete(ServerApp).where(_is(server, redirect_uri), ServerApp.created_at == made_at)
    )
