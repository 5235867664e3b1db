"""The sandbox as a program, and the control panel of each network that it plays."""

from __future__ import annotations

import collections
import os
import threading
from pathlib import Path
from typing import Any

import requests
from flask import Flask

from sandbox.core import STATE, make_sandbox_server
from tests.support import forking
from tests.support.waiting import free_port, listens, wait_for

ROOT = Path(__file__).resolve().parents[2]
PLENTY = 1_000_000
LIMITS = {
    "x": ("create", "timeline", "me"),
    "mastodon": ("calls", "create", "upload"),
    "bluesky": ("ip", "hour", "day", "sign_in", "sign_in_day", "upload"),
    "facebook": ("create", "timeline", "me", "upload", "lookup"),
}


class ControlPanel:
    """The control API of a network that is played at an address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()

    def control(self, verb: str, **body: Any) -> Any:
        """Use the control API; fails the test when it refuses."""
        answer = self.http.post(f"{self.url}/control/api/{verb}", json=body, timeout=10)
        assert answer.ok, answer.text
        return answer.json()

    def settings(self, **settings: Any) -> None:
        """Change how the network behaves while nothing is broken."""
        self.control("settings", **settings)

    def fault(self, kind: str, operation: str = "create", **fields: Any) -> Any:
        """Break something on purpose; return the fault."""
        return self.control("faults", kind=kind, operation=operation, **fields)["fault"]

    def mint(self, handle: str = "ana", **wanted: Any) -> dict[str, Any]:
        """Return tokens without the consent page."""
        minted: dict[str, Any] = self.control("tokens", handle=handle, **wanted)
        return minted

    def state(self) -> Any:
        """Return what happened so far."""
        return self.http.get(f"{self.url}/control/api/state", timeout=10).json()


class SandboxThread(ControlPanel):
    """A network, played on a free port by a thread of this process."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._server = make_sandbox_server("127.0.0.1", 0, app)
        super().__init__(f"http://127.0.0.1:{self._server.port}")
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop it; what it holds is written down."""
        self.http.close()
        self._app.extensions[STATE].close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def texts(self) -> list[str]:
        """Return the text of every accepted post."""
        return [tweet["text"] for tweet in self.state()["tweets"]]


class Played(ControlPanel):
    """One network that the program plays."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")

    def reset(self) -> None:
        """Forget all posts, tokens and faults, and be generous with limits."""
        self.control("reset")
        self.settings(limits=dict.fromkeys(LIMITS[self.name], PLENTY))

    def mend(self) -> None:
        """Take all faults away."""
        self.http.delete(f"{self.url}/control/api/faults", timeout=10).raise_for_status()

    def faults(self) -> Any:
        """Return what is still to be broken; what is being played is not among it."""
        answer = self.http.get(f"{self.url}/control/api/faults", timeout=10)
        assert answer.ok, answer.text
        return answer.json()["faults"]

    def token(self, handle: str, kind: str | None = None) -> Any:
        """Mint tokens for somebody without the consent page."""
        wanted = {"handle": handle} if kind is None else {"handle": handle, "kind": kind}
        return self.control("tokens", **wanted)

    def accepted(self) -> Any:
        """Return every accepted post: handle, text, id, created_at."""
        return self.state()["tweets"]

    def texts(self) -> collections.Counter[str]:
        """Return every accepted post's text and how often it was accepted."""
        return collections.Counter(tweet["text"] for tweet in self.accepted())

    def calls(self, operation: str = "create") -> int:
        """Return how often an operation was asked for."""
        answer = self.http.get(f"{self.url}/control/api/state", params={"list": 0}, timeout=10)
        assert answer.ok, answer.text
        return int(answer.json()["calls"].get(operation, 0))


class Sandbox(Played):
    """The program: X itself, and the other networks by name."""

    def __init__(self, folder: Path) -> None:
        super().__init__("x")
        self.networks: dict[str, Played] = {
            name: self if name == "x" else Played(name) for name in LIMITS
        }
        self.mail_port = free_port()
        self._folder = folder
        self._process: forking.Forked | None = None

    def on(self, network: str) -> Played:
        """Return the control panel of one network."""
        return self.networks[network]

    @property
    def environ(self) -> dict[str, str]:
        """What makes the application speak to it."""
        graph = f"{self.on('facebook').url}/v25.0"
        return {
            "X_API_URL": self.url,
            "X_AUTHORIZE_URL": f"{self.url}/i/oauth2/authorize",
            "X_CLIENT_ID": "sandbox-client",
            "X_CLIENT_SECRET": "sandbox-secret",
            "MASTODON_SERVER": self.on("mastodon").url,
            "BLUESKY_URL": self.on("bluesky").url,
            "FACEBOOK_GRAPH_URL": graph,
            "FACEBOOK_DIALOG_URL": f"{graph}/dialog/oauth",
            "FACEBOOK_CLIENT_ID": "100200300400500",
            "FACEBOOK_CLIENT_SECRET": "sandbox-facebook-secret",
            "ALLOW_PRIVATE_SERVERS": "1",
            "SANDBOX": ",".join(self.networks),
            "MAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
        }

    def start(self) -> None:
        """Start it with what it held before, if anything."""
        words = [
            "--data",
            str(self._folder / "sandbox.sqlite3"),
            "--mail-port",
            str(self.mail_port),
        ]
        for name, network in self.networks.items():
            words += ["--port" if name == "x" else f"--{name}-port", str(network.port)]
        with Path(os.devnull).open("ab") as nothing:
            command = ["sandbox", *words]
            self._process = forking.shared().start(command, ROOT, os.environ, nothing.fileno())
        for name, network in self.networks.items():
            wait_for(lambda port=network.port: listens(port), what=f"the sandbox's {name}")
        wait_for(lambda: listens(self.mail_port), what="the sandbox's mail server")

    def mails(self, to: str) -> list[dict[str, Any]]:
        """Return the mails that came to an address, in order."""
        answer = self.http.get(f"{self.url}/control/api/mails", params={"to": to}, timeout=10)
        return list(answer.json()["mails"])

    def stop(self) -> None:
        """Stop it in good order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def reset(self) -> None:
        """Let every network begin anew."""
        super().reset()
        for network in self.networks.values():
            if network is not self:
                network.reset()
