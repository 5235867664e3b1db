"""Mastodon for tests: the client, the sandbox's server in a thread, a person who visits it."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from app.networks import http
from app.networks.base import Consent, Outcome, Part
from app.networks.mastodon.network import Mastodon
from sandbox.mastodon import create_mastodon_app
from tests.support.creates import created
from tests.support.mastodon_apps import AppsInMemory
from tests.support.sandbox import SandboxThread

CALLBACK = "http://127.0.0.1:8000/login/mastodon/callback"
STARTED_AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def mastodon(**settings: Any) -> Mastodon:
    """Return a client that speaks to servers on this machine."""
    config = {
        "MASTODON_SERVER": None,
        "MASTODON_APPS": AppsInMemory(),
        "ALLOW_PRIVATE_SERVERS": True,
        "SANDBOX": (),
        "SEND_TIMEOUT": 15.0,
        "RECONCILE_DELAYS": [],
        "APP_URL": None,
    }
    return Mastodon({**config, **settings})


def credentials_at(url: str, **changes: Any) -> dict[str, Any]:
    """Return the credentials of somebody whose server is there."""
    return {
        "server_url": url,
        "client_id": "client",
        "client_secret": "client-secret",
        "access_token": "token-of-ana",
        "software": "mastodon",
        "version": "4.4.2",
        **changes,
    }


def piece(text: str = "hello", key: str = "0" * 32, **more: Any) -> Part:
    """Return a part of a tweet that was begun at a known moment."""
    return Part(text, key, STARTED_AT, STARTED_AT, **more)


def publish(client: Mastodon, credentials: Any, part: Part | None = None) -> Outcome:
    """Publish a part now."""
    body = client.body(part or piece(), {})
    return created(client, credentials, body, http.boottime() + 60)


def png(width: int = 2, height: int = 2) -> bytes:
    """Return a picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + b"\x7f" * 3 * width) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def visit(consent: Consent, **form: Any) -> dict[str, str]:
    """Decide on the consent page and return what the browser brings back to the callback."""
    assert requests.get(consent.url, timeout=10).status_code == 200
    answer = requests.post(
        consent.url,
        data={"person": "ana", "decision": "approve", **form},
        allow_redirects=False,
        timeout=10,
    )
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(CALLBACK)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


class MastodonSandbox(SandboxThread):
    """A Mastodon server, played on loopback."""

    def __init__(self, data: str = ":memory:") -> None:
        super().__init__(create_mastodon_app(data))

    def call(self, method: str, path: str, token: Any = None, **more: Any) -> requests.Response:
        """Call the server as the owner of a token; redirects are not followed."""
        headers = {"Authorization": f"Bearer {token['access_token']}"} if token else {}
        headers |= more.pop("headers", {})
        return self.http.request(
            method,
            self.url + path,
            headers=headers,
            timeout=10,
            allow_redirects=False,
            **more,
        )

    def create(self, token: Any, status: str, key: str = "", **more: Any) -> requests.Response:
        """Publish; ``more`` are further fields."""
        headers = {"Idempotency-Key": key} if key else {}
        body = {"status": status, **more}
        return self.call("POST", "/api/v1/statuses", token, json=body, headers=headers)

    def upload(self, token: Any, data: bytes | None = None, **form: Any) -> requests.Response:
        """Send a picture."""
        files = {"file": ("p.png", png() if data is None else data, "image/png")}
        return self.call("POST", "/api/v2/media", token, data=form, files=files)
