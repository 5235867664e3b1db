"""Somebody who is told of alerts: a server on loopback for Apprise's ``json://``."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tests.support.scripted import ScriptedServer, Seen
from tests.support.waiting import PATIENCE, wait_for

PASSWORD = "hush-hush"


class Receiver:
    """Remembers what it was told; it may refuse messages at first."""

    def __init__(self, server: ScriptedServer) -> None:
        self.titles: list[str] = []
        """What it took, in order."""
        self.messages: list[dict[str, Any]] = []
        self.refusals: Counter[str] = Counter()
        """How many messages to each path are refused first."""
        self._place = server.url.removeprefix("http://")
        server.play = self._answer

    def url(self, path: str = "operators") -> str:
        """Return what ALERT_URLS says of it."""
        return f"json://ops:{PASSWORD}@{self._place}/{path}"

    def _answer(self, seen: Seen) -> tuple[int, Any]:
        path = seen.path.strip("/")
        if self.refusals[path] > 0:
            self.refusals[path] -= 1
            return 500, {}
        message = {**json.loads(seen.body), "path": path}
        self.messages.append(message)
        self.titles.append(message["title"])
        return 200, {}

    def until(self, *titles: str, seconds: float = PATIENCE) -> None:
        """Wait until it was told all of this, in any order, and nothing else."""
        expected = Counter(titles)
        wait_for(lambda: self._has(expected), seconds, f"{titles}, not {self.titles}")
        assert Counter(self.titles) == expected

    def _has(self, expected: Counter[str]) -> bool:
        return not expected - Counter(self.titles)
