"""Starts the sandbox as a program of its own and speaks to it over HTTP."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Sandbox:
    """A running sandbox: its address, its process, and an HTTP session for the tests."""

    url: str
    process: subprocess.Popen[str]
    http: requests.Session = field(default_factory=requests.Session)

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        """POST to the control API; fails the test when it refuses."""
        answer = self.http.post(f"{self.url}/control/api/{path}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def facts(self) -> dict[str, Any]:
        """What the sandbox says happened."""
        return self.http.get(f"{self.url}/control/api/state", timeout=10).json()

    def mint(self, handle: str = "ana", **wanted: str) -> dict[str, Any]:
        """Tokens for ``handle``, with a ready ``auth`` header."""
        minted = self.control("tokens", handle=handle, **wanted)
        return minted | {"auth": {"Authorization": f"Bearer {minted.get('access_token')}"}}

    def fault(self, **wanted: Any) -> dict[str, Any]:
        """Set a fault."""
        return self.control("faults", **wanted)["fault"]

    def call(self, method: str, path: str, token: dict[str, Any], **more: Any) -> requests.Response:
        """An API call with ``token``; never follows redirects."""
        more.setdefault("timeout", 10)
        return self.http.request(
            method, self.url + path, headers=token["auth"], allow_redirects=False, **more
        )

    def create(self, token: dict[str, Any], text: str, **more: Any) -> requests.Response:
        """``POST /2/tweets``; ``more`` are further body fields."""
        return self.call("POST", "/2/tweets", token, json={"text": text, **more})

    def timeline(self, token: dict[str, Any], **query: Any) -> dict[str, Any]:
        """The token's own timeline."""
        answer = self.call("GET", f"/2/users/{token['id']}/tweets", token, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refresh(self, token: dict[str, Any], **more: Any) -> requests.Response:
        """Refresh with the confidential client."""
        body = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
        client = ("sandbox-client", "sandbox-secret")
        more.setdefault("timeout", 10)
        return self.http.post(f"{self.url}/2/oauth2/token", data=body, auth=client, **more)

    def stop(self) -> int:
        """Ask it to stop; returns its exit status."""
        self.http.close()
        self.process.terminate()
        status = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


def start(data: str) -> Sandbox:
    """Start a sandbox on a free port and wait until it says that it listens."""
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--data", data]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line.startswith("sandbox ready on http://127.0.0.1:"), line
    return Sandbox(line.removeprefix("sandbox ready on "), process)


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """One program for all tests."""
    sandbox = start(":memory:")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The program, as if it had just been started."""
    running_sandbox.control("reset")
    return running_sandbox


@pytest.fixture
def ana(sandbox: Sandbox) -> dict[str, Any]:
    """Ana's tokens."""
    return sandbox.mint("ana")


@pytest.fixture
def start_sandbox() -> Callable[[str], Sandbox]:
    """Start further programs; the test stops them."""
    return start
