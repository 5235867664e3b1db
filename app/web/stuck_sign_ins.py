"""Sign-ins from which nobody came back: the server may have shown an error of its own instead.

A server that has forgotten our app says so to the person alone, and sends nobody back to us.
"""

from __future__ import annotations

import time
from typing import Any

from flask import session

from app.networks import Network, RegistersApps

OFFERED_FOR = 3_600
"""Seconds after its beginning for which a sign-in that did not come back is asked about."""


def note(memory: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of a sign-in that begins now, with its moment."""
    return {**memory, "at": int(time.time())}


def servers_of(site: Network) -> list[str]:
    """Return from which servers this browser has not come back, the latest first, each once."""
    if not isinstance(site, RegistersApps):
        return []
    return list(dict.fromkeys(str(memory["host"]) for memory in _open(site.name)))


def memory_of(site: Network, server: str) -> dict[str, Any] | None:
    """Return the latest sign-in at a server from which this browser has not come back."""
    return next((memory for memory in _open(site.name) if memory["host"] == server), None)


def close(network: str, server: str) -> None:
    """Ask no more about a server: somebody came back from it, or another way was taken."""
    session["consents"] = [
        {name: value for name, value in memory.items() if name != "at"}
        if (memory.get("network"), memory.get("host")) == (network, server)
        else memory
        for memory in session.get("consents", [])
    ]


def _open(network: str) -> list[dict[str, Any]]:
    earliest = time.time() - OFFERED_FOR
    return [
        memory
        for memory in reversed(session.get("consents", []))
        if memory.get("network") == network
        and memory.get("client")
        and memory.get("at", 0) > earliest
    ]
