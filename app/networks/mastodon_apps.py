"""The app that was registered at each Mastodon server: once, however many sign in at a time."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

App = dict[str, Any]
"""``client_id`` and ``client_secret``."""
LOCKS = 64
"""A few servers share a lock, so that locks stay few."""


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


class AppsInMemory:
    """Keeps them for as long as this process lives."""

    def __init__(self) -> None:
        self._apps: dict[tuple[str, str], App] = {}
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
