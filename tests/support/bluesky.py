"""Bluesky for tests: the client at an address, and the sandbox's Bluesky in a thread."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import requests

from app.networks import http
from app.networks.base import Outcome, Part
from app.networks.bluesky.network import Bluesky
from sandbox.bluesky import create_bluesky_app
from tests.support.creates import created
from tests.support.sandbox import SandboxThread

DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
STARTED_AT = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"


def bluesky_at(url: str, **settings: Any) -> Bluesky:
    """Return Bluesky with its entryway at this address."""
    config = {
        "BLUESKY_URL": url,
        "PLC_URL": url,
        "ALLOW_PRIVATE_SERVERS": True,
        "SANDBOX": ("bluesky",),
        "SEND_TIMEOUT": 15.0,
    }
    return Bluesky({**config, **settings})


def credentials_at(url: str, **changes: Any) -> dict[str, Any]:
    """Return the credentials of somebody whose server is there."""
    return {
        "pds_url": url,
        "did": DID,
        "handle": "alice.test",
        "access_jwt": "access",
        "refresh_jwt": "refresh",
        "expires_at": None,
        **changes,
    }


def piece(text: str, key: str = "0" * 32, **more: Any) -> Part:
    """Return a part of a tweet that was begun at a known moment."""
    return Part(text, key, STARTED_AT, STARTED_AT, **more)


def create(bluesky: Bluesky, credentials: dict[str, Any], part: Part) -> Outcome:
    """Publish a part now."""
    return created(bluesky, credentials, bluesky.body(part), http.boottime() + 5)


def jwt(claims: Any) -> str:
    """Return a token that says this of itself."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{payload}.c2ln"


def session(**changes: Any) -> dict[str, Any]:
    """Return a session as a server gives it."""
    return {
        "accessJwt": jwt({"exp": 1_795_262_400}),
        "refreshJwt": "refresh-2",
        "handle": "alice.test",
        "did": DID,
        "active": True,
        **changes,
    }


def document(endpoint: Any, name: str = "#atproto_pds") -> dict[str, Any]:
    """Return a DID document that names the account's server."""
    label = {"id": "#other", "type": "Other", "serviceEndpoint": "https://label.example"}
    pds = {"id": name, "type": "AtprotoPersonalDataServer", "serviceEndpoint": endpoint}
    return {"id": DID, "service": [label, pds]}


class BlueskySandbox(SandboxThread):
    """Bluesky, played on loopback."""

    def __init__(self, data: str = ":memory:") -> None:
        super().__init__(create_bluesky_app(data))

    def credentials(self, handle: str = "ana") -> dict[str, Any]:
        """Return a fresh session's credentials."""
        minted = self.mint(handle)
        names = ("pds_url", "did", "handle", "access_jwt", "refresh_jwt", "expires_at")
        return {name: minted[name] for name in names}

    def call(self, verb: str, name: str, token: str = "", **more: Any) -> requests.Response:
        """Call a method; redirects are not followed."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers |= more.pop("headers", {})
        more = {"timeout": 10, "allow_redirects": False, **more}
        return self.http.request(verb, f"{self.url}/xrpc/{name}", headers=headers, **more)
