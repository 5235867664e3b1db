"""What is kept of each Mastodon server: our app there, and whether its word proves anything.

An app is registered once at each server, however many sign in at a time. A server that gives
tokens for invented codes gets one for each connection instead: shared, it would give everybody
the account of whoever came last.
"""

from __future__ import annotations

import hashlib
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from authlib.common.security import generate_token

from app.networks.errors import ConnectRefused

App = dict[str, Any]
"""``client_id`` and ``client_secret``; ``told``, where it says how it is told from no app."""
LOCKS = 64
"""A few servers share a lock, so that locks stay few."""
ANEW_REST = 3_600.0
"""Seconds in which a server gets one app at most that somebody asks for: anybody may ask."""


def mark_of(app: Mapping[str, Any]) -> str:
    """Return a short name of an app, for the cookie of whoever signs in with it."""
    return hashlib.sha256(str(app["client_id"]).encode()).hexdigest()[:24]


def too_soon() -> ConnectRefused:
    """Return what somebody is told who asks for a new app within ANEW_REST."""
    return ConnectRefused("just_registered")


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier sign-ins taught about a server."""

    checks_codes: bool | None = None
    """False once it gave a token for an invented code, for ever; None until that was tried."""
    has_answered: bool = False
    """Whether somebody once came back from it with an account."""


class Apps(Protocol):
    """Where registered apps are kept, by server and by the address that people come back to."""

    def get(self, server: str, redirect_uri: str) -> App | None:
        """Return the app, None when there is none yet."""

    def made_once(self, server: str, redirect_uri: str, register: Callable[[], App]) -> App:
        """Return the app; where there is none, one caller registers it and the others wait.

        Raises what ``register`` raises, and LookUpFailed when waiting took too long.
        """

    def forget(self, server: str, redirect_uri: str, app: Mapping[str, Any]) -> None:
        """Let go of an app that its server no longer knows, unless another took its place."""

    def replaced(
        self, server: str, redirect_uri: str, mark: str, register: Callable[[], App]
    ) -> App:
        """Return another app than that of this mark, registered if that is still the one.

        The old one stays to be had with ``former``, for those who are signing in with it.

        :raises ConnectRefused: just_registered, within ANEW_REST of the last one.
        """

    def former(self, server: str, mark: str) -> App | None:
        """Return an app that another took the place of within the hour."""

    def keep_for_one(self, server: str, app: App) -> str:
        """Keep an app for one connection alone; return the key under which it is found."""

    def take_for_one(self, server: str, key: str) -> App | None:
        """Return that app and let go of it; None for a key of nothing, or of another server."""

    def known(self, server: str) -> Known:
        """Return what is known of a server."""

    def note_no_check(self, server: str) -> None:
        """Note for ever that a server gives tokens for invented codes."""

    def note_return(self, server: str, checks_codes: bool) -> None:
        """Note that somebody came back with an account, and whether an invented code was refused.

        What ``note_no_check`` said before stays.
        """


class AppsInMemory:
    """Keeps them for as long as this process lives."""

    def __init__(self) -> None:
        self._apps: dict[tuple[str, str], App] = {}
        self._for_one: dict[tuple[str, str], App] = {}
        self._former: dict[tuple[str, str], App] = {}
        self._rests_until: dict[tuple[str, str], float] = {}
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()
        self._registering = tuple(threading.Lock() for _ in range(LOCKS))

    def get(self, server: str, redirect_uri: str) -> App | None:
        """Return the app, None when there is none yet."""
        with self._lock:
            return self._apps.get((server, redirect_uri))

    def made_once(self, server: str, redirect_uri: str, register: Callable[[], App]) -> App:
        """Return the app, registered by whoever comes first."""
        with self._registering[zlib.crc32(server.encode()) % LOCKS]:
            app = self.get(server, redirect_uri) or register()
            with self._lock:
                return self._apps.setdefault((server, redirect_uri), app)

    def forget(self, server: str, redirect_uri: str, app: Mapping[str, Any]) -> None:
        """Let go of an app, unless another took its place."""
        with self._lock:
            kept = self._apps.get((server, redirect_uri))
            if kept is not None and kept["client_id"] == app["client_id"]:
                del self._apps[server, redirect_uri]

    def replaced(
        self, server: str, redirect_uri: str, mark: str, register: Callable[[], App]
    ) -> App:
        """Return another app than that of this mark."""
        here = server, redirect_uri
        with self._registering[zlib.crc32(server.encode()) % LOCKS]:
            app = self.get(server, redirect_uri)
            if app is not None and mark_of(app) != mark:
                return app
            if app is not None and time.monotonic() < self._rests_until.get(here, 0.0):
                raise too_soon()
            fresh = register()
            with self._lock:
                if app is not None:
                    self._former[server, mark] = app
                    self._rests_until[here] = time.monotonic() + ANEW_REST
                self._apps[here] = fresh
            return fresh

    def former(self, server: str, mark: str) -> App | None:
        """Return an app that another took the place of."""
        with self._lock:
            return self._former.get((server, mark))

    def keep_for_one(self, server: str, app: App) -> str:
        """Keep an app for one connection alone; return its key."""
        key = generate_token(24)
        with self._lock:
            self._for_one[server, key] = app
        return key

    def take_for_one(self, server: str, key: str) -> App | None:
        """Return that app and let go of it."""
        with self._lock:
            return self._for_one.pop((server, key), None)

    def known(self, server: str) -> Known:
        """Return what is known of a server."""
        with self._lock:
            return self._known.get(server, Known())

    def note_no_check(self, server: str) -> None:
        """Note for ever that a server gives tokens for invented codes."""
        with self._lock:
            has_answered = self._known.get(server, Known()).has_answered
            self._known[server] = Known(checks_codes=False, has_answered=has_answered)

    def note_return(self, server: str, checks_codes: bool) -> None:
        """Note that somebody came back with an account."""
        with self._lock:
            before = self._known.get(server, Known()).checks_codes
            checks = False if before is False else (checks_codes or before)
            self._known[server] = Known(checks_codes=checks, has_answered=True)
