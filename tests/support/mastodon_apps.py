"""What is kept about Mastodon servers, for tests that have no database."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from authlib.common.security import generate_token

from app.networks import ANEW_REST, App, Known, mark_of, too_soon
from app.networks.mastodon.apps import Apps

LOCKS = 64
"""Servers share them, so that their number is bounded."""


class AppsInMemory(Apps):
    """Keeps them as long as this process runs."""

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
        """Delete an app, unless another has replaced it."""
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
        """Keep an app for one connection only; return its key."""
        key = generate_token(24)
        with self._lock:
            self._for_one[server, key] = app
        return key

    def take_for_one(self, server: str, key: str) -> App | None:
        """Return that app and delete it."""
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
