"""The apps that Mastodon servers registered for us, and what we know of these servers.

All processes share these rows. A row without an app is a lease: the process that wrote it is
registering the app, and the others wait until the app is in the row. No transaction is open while
a server is asked.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from authlib.common.security import generate_token
from sqlalchemy import ColumnElement, Row, delete, update
from sqlalchemy.exc import IntegrityError

from app.accounts.transactions import change, rows_of, value_of
from app.db import database_now, db, from_now, rows_changed
from app.models import ConnectionApp, MastodonServer, ServerApp
from app.networks import ANEW_REST, App, Known, LookUpFailed, mark_of, too_soon

REGISTRATION_LEASE = timedelta(seconds=30)
"""How long a lease counts: longer than all calls of one registration together."""
MAX_REGISTER_SECONDS = 20.0
"""Seconds to wait for another process's registration; a person is waiting for the page."""
GLANCE = 0.1
"""Seconds between two looks whether that registration is done."""
WALK = 3_600.0
"""Seconds for which an app for one connection is kept while its person is at the consent page, and
for which a replaced app is kept for people who were signing in with it."""
FORMER = "former-"
"""What the key of a replaced app begins with."""


class ServerApps:
    """Stores the apps, encrypted, and what is known of their servers. All methods commit."""

    def get(self, server: str, redirect_uri: str) -> App | None:
        """Return the app that a server registered for an address; None while there is none."""
        return value_of(db.select(ServerApp.app).where(_is(server, redirect_uri))) or None

    def made_once(self, server: str, redirect_uri: str, register: Callable[[], App]) -> App:
        """Return the app; if there is none, the first process to ask registers it.

        :param register: asks the server for an app.
        :raises LookUpFailed: another process took longer than ``MAX_REGISTER_SECONDS`` for it.
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
        """Delete this app, unless another one is in its place already."""
        if row := _row_with(server, redirect_uri, app):
            _drop(server, redirect_uri, row.created_at)
        db.session.commit()

    def replaced(
        self, server: str, redirect_uri: str, mark: str, register: Callable[[], App]
    ) -> App:
        """Return another app than the one with this mark; the first to ask registers it.

        :raises ConnectRefused: ``just_registered``: it was replaced a short while ago.
        :raises LookUpFailed: another process took longer than ``MAX_REGISTER_SECONDS`` for it.
        """
        ends_at = time.monotonic() + MAX_REGISTER_SECONDS
        while time.monotonic() < ends_at:
            app = self.get(server, redirect_uri)
            if app is None:
                return self.made_once(server, redirect_uri, register)
            if mark_of(app) != mark:
                return app
            if _may_replace(server, redirect_uri, mark):
                return _replace(server, redirect_uri, app, register)
            time.sleep(GLANCE)
        raise LookUpFailed("somebody else is registering the app")

    def former(self, server: str, mark: str) -> App | None:
        """Return the replaced app with this mark, None when it is no longer kept."""
        is_it = (ConnectionApp.id == _former_key(server, mark)) & (ConnectionApp.server == server)
        return value_of(db.select(ConnectionApp.app).where(is_it))

    def keep_for_one(self, server: str, app: App) -> str:
        """Store an app for a single connection; return the key with which it can be taken."""
        key = generate_token(24)
        _keep(key, server, app)
        db.session.commit()
        return key

    def take_for_one(self, server: str, key: str) -> App | None:
        """Delete and return the app of this key; None when it is gone already."""
        is_it = (ConnectionApp.id == key) & (ConnectionApp.server == server)
        return value_of(delete(ConnectionApp).where(is_it).returning(ConnectionApp.app)) or None

    def known(self, server: str) -> Known:
        """Return what is known of a server; nothing is known of a new one."""
        facts = db.select(MastodonServer.checks_codes, MastodonServer.answered_at)
        rows = rows_of(facts.where(MastodonServer.url == server))
        return Known(rows[0].checks_codes, rows[0].answered_at is not None) if rows else Known()

    def note_no_check(self, server: str) -> None:
        """Store for good that a server gives tokens for invented codes."""
        _note(server, checks_codes=False)

    def note_return(self, server: str, checks_codes: bool) -> None:
        """Store that somebody came back from a server with an account.

        :param checks_codes: the server refused an invented code. This never takes back what
            ``note_no_check`` stored.
        """
        _note(server, answered_at=from_now())
        if checks_codes:
            unknown = (MastodonServer.url == server, MastodonServer.checks_codes.is_(None))
            change(MastodonServer, *unknown, checks_codes=True)


def has_answered(host: str) -> bool:
    """Return whether somebody ever came back from this server with an account; commits.

    :param host: as in a URL, with the port unless it is the usual one.
    """
    urls = [f"{scheme}://{host}" for scheme in ("https", "http")]
    answered = (MastodonServer.url.in_(urls), MastodonServer.answered_at.is_not(None))
    return value_of(db.select(MastodonServer.url).where(*answered)) is not None


def _note(server: str, **facts: Any) -> None:
    """Store facts about a server; create its row if missing."""
    this = MastodonServer.url == server
    if not change(MastodonServer, this, **facts):
        try:
            db.session.add(MastodonServer(url=server, **facts))
            db.session.commit()
        except IntegrityError:
            db.session.rollback()  # another process created it at the same time
            change(MastodonServer, this, **facts)


def _is(server: str, redirect_uri: str) -> ColumnElement[bool]:
    return (ServerApp.server == server) & (ServerApp.redirect_uri == redirect_uri)


def _row_of(server: str, redirect_uri: str) -> Row[Any] | None:
    """Return the app, when it was made, and when another was last asked for in its place."""
    columns = (ServerApp.app, ServerApp.created_at, ServerApp.anew_at)
    return db.session.execute(db.select(*columns).where(_is(server, redirect_uri))).first()


def _row_with(server: str, redirect_uri: str, app: Mapping[str, Any]) -> Row[Any] | None:
    """Return the row if this app is in it."""
    row = _row_of(server, redirect_uri)
    return row if row and row.app.get("client_id") == app["client_id"] else None


def _take(server: str, redirect_uri: str) -> datetime | None:
    """Take the lease of a registration; return when it began, None if another process has it."""
    now = database_now()
    held = _row_of(server, redirect_uri)
    if held is None:
        return _lay(server, redirect_uri, now)
    if held.app or held.created_at > now - REGISTRATION_LEASE:
        db.session.commit()
        return None
    same = (_is(server, redirect_uri), ServerApp.created_at == held.created_at)
    return now if change(ServerApp, *same, created_at=now, app={}) else None


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
    """Register and store the app; None when that took so long that another has taken the lease.

    :param taken_at: when our lease began.
    """
    try:
        app = register()
    except BaseException:
        _drop(server, redirect_uri, taken_at)
        db.session.commit()
        raise
    mine = (_is(server, redirect_uri), ServerApp.created_at == taken_at)
    return app if change(ServerApp, *mine, app=app, created_at=from_now()) else None


def _may_replace(server: str, redirect_uri: str, mark: str) -> bool:
    """Return whether we may register another app now than the one with this mark.

    False while another process does, and when it has done so since the app was read.

    :raises ConnectRefused: the app was replaced a short while ago.
    """
    now = database_now()
    row = _row_of(server, redirect_uri)
    if row and row.app and mark_of(row.app) != mark:
        db.session.commit()
        return False
    made_at, anew_at = (row.created_at, row.anew_at) if row else (now, None)
    is_done = anew_at is not None and made_at >= anew_at
    rest = timedelta(seconds=ANEW_REST) if is_done else REGISTRATION_LEASE
    if anew_at is not None and anew_at >= now - rest:
        db.session.commit()
        if is_done:
            raise too_soon()
        return False
    same = (ServerApp.created_at == made_at, ServerApp.anew_at.is_not_distinct_from(anew_at))
    return change(ServerApp, _is(server, redirect_uri), *same, anew_at=now)


def _replace(server: str, redirect_uri: str, old: App, register: Callable[[], App]) -> App:
    """Register an app and store it in the place of the old one, which is kept for a while.

    If another app has taken that place meanwhile, ours is kept for the person who asked.
    """
    here = _is(server, redirect_uri)
    try:
        fresh = register()
    except BaseException:
        change(ServerApp, here, anew_at=None)
        raise
    kept = fresh
    if row := _row_with(server, redirect_uri, old):
        its_place = update(ServerApp).where(here, ServerApp.created_at == row.created_at)
        if rows_changed(its_place.values(app=fresh, created_at=from_now())):
            kept = old
    _keep(_former_key(server, mark_of(kept)), server, kept)
    db.session.commit()
    return fresh


def _former_key(server: str, mark: str) -> str:
    return f"{FORMER}{mark}-{hashlib.sha256(server.encode()).hexdigest()[:24]}"


def _keep(key: str, server: str, app: App) -> None:
    """Store an app under a key for ``WALK`` seconds, and delete older ones. The caller commits."""
    db.session.execute(delete(ConnectionApp).where(ConnectionApp.created_at < from_now(-WALK)))
    db.session.merge(ConnectionApp(id=key, server=server, app=app, created_at=database_now()))


def _drop(server: str, redirect_uri: str, made_at: datetime) -> None:
    rows_changed(
        delete(ServerApp).where(_is(server, redirect_uri), ServerApp.created_at == made_at)
    )
