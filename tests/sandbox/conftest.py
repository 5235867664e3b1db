"""Starts the sandbox as a program of its own and speaks to it over HTTP."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.support.sandbox import ROOT, ControlPanel


class Sandbox(ControlPanel):
    """A running sandbox: its address and its process."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        super().__init__(url)
        self.process = process

    def mint(self, handle: str = "ana", **wanted: Any) -> dict[str, Any]:
        """Tokens for ``handle``, with a ready ``auth`` header."""
        minted = super().mint(handle, **wanted)
        return minted | {"auth": {"Authorization": f"Bearer {minted.get('access_token')}"}}

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
