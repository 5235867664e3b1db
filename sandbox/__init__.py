"""A strict stand-in for the networks, on this machine only, with faults on demand.

A separate program: Tweet Later never imports it, and it imports nothing of Tweet Later.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from flask import Flask

from sandbox.bluesky import create_bluesky_app
from sandbox.core import STATE
from sandbox.facebook import create_facebook_app
from sandbox.mastodon import create_mastodon_app
from sandbox.x import create_x_app

__all__ = ["NETWORKS", "Memory", "create_network"]


class Memory(Protocol):
    """What a network remembers."""

    def close(self) -> None:
        """Write everything down."""


NETWORKS: dict[str, Callable[[str], Flask]] = {
    "x": create_x_app,
    "mastodon": create_mastodon_app,
    "bluesky": create_bluesky_app,
    "facebook": create_facebook_app,
}
"""Each has a port of its own, as each has its own way with paths."""


def create_network(name: str, data: str = ":memory:") -> tuple[Flask, Memory]:
    """Make a network's app and what it remembers; close the latter to write everything down.

    ``data`` is X's SQLite file, made if missing, or ``":memory:"``.
    """
    app = NETWORKS[name](_file_of(name, data))
    return app, app.extensions[STATE]


def _file_of(name: str, data: str) -> str:
    """Where a network keeps what it remembers: X in ``data``, the others in files beside it."""
    if name == "x" or data == ":memory:":
        return data
    path = Path(data)
    return str(path.with_name(f"{path.stem}-{name}{path.suffix}"))
