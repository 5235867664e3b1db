"""The sandbox as a program, and its control panel."""

from __future__ import annotations

import collections
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

from tests.support.waiting import free_port, listens, wait_for

ROOT = Path(__file__).resolve().parents[2]


class Sandbox:
    """X, played on loopback."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._http = requests.Session()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it with what it held before, if anything."""
        data = str(self._folder / "sandbox.sqlite3")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", str(self.port), "--data", data],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        wait_for(lambda: listens(self.port), what="the sandbox")

    def stop(self) -> None:
        """Stop it in good order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def reset(self) -> None:
        """Forget all tweets, tokens and faults, and be generous with limits."""
        self.control("reset")
        self.settings(limits={"create": 100_000, "timeline": 100_000, "me": 100_000})

    def control(self, verb: str, **body: Any) -> Any:
        """Use the control panel."""
        answer = self._http.post(f"{self.url}/control/api/{verb}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def settings(self, **settings: Any) -> None:
        """Change how X behaves while nothing is broken."""
        self.control("settings", **settings)

    def fault(self, kind: str, operation: str = "create", **fields: Any) -> None:
        """Break something on purpose."""
        self.control("faults", kind=kind, operation=operation, **fields)

    def mend(self) -> None:
        """Take all faults away."""
        self._http.delete(f"{self.url}/control/api/faults", timeout=10).raise_for_status()

    def token(self, handle: str, kind: str = "oauth2") -> Any:
        """Mint tokens for somebody without the consent page."""
        return self.control("tokens", handle=handle, kind=kind)

    def state(self) -> Any:
        """Return what happened so far."""
        return self._http.get(f"{self.url}/control/api/state", timeout=10).json()

    def accepted(self) -> Any:
        """Return every accepted tweet: handle, text, id, created_at in epoch seconds."""
        return self.state()["tweets"]

    def texts(self) -> collections.Counter[str]:
        """Return every accepted tweet's text and how often it was accepted."""
        return collections.Counter(tweet["text"] for tweet in self.accepted())

    def calls(self, operation: str = "create") -> int:
        """Return how often an operation was asked for."""
        answer = self._http.get(f"{self.url}/control/api/state", params={"list": 0}, timeout=10)
        assert answer.ok, answer.text
        return int(answer.json()["calls"].get(operation, 0))
