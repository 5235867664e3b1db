"""A strict stand-in for the networks, on this machine only, with faults on demand.

A separate program: Tweet Later never imports it, and it imports nothing of Tweet Later.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from flask import Flask

from sandbox.bluesky.app import create_bluesky_app
from sandbox.control.api import make_control_api
from sandbox.core.guards import install_guards
from sandbox.core.store import Store
from sandbox.facebook.app import create_facebook_app
from sandbox.mastodon.app import create_mastodon_app
from sandbox.x.auth import make_oauth2
from sandbox.x.control import make_control_page
from sandbox.x.oauth1 import make_oauth1
from sandbox.x.pages import make_pages
from sandbox.x.routes import make_api
from sandbox.x.signatures import Signatures
from sandbox.x.state import XState


class Memory(Protocol):
    """What a network remembers."""

    def close(self) -> None:
        """Write everything down."""


MORE: dict[str, Callable[[str], Flask]] = {
    "mastodon": create_mastodon_app,
    "bluesky": create_bluesky_app,
    "facebook": create_facebook_app,
}
"""The networks beside X. Each has a port of its own, as each has its own way with paths."""


def create_network(name: str, data: str = ":memory:") -> tuple[Flask, Memory]:
    """A network's application and what it remembers; X's file is ``data`` itself."""
    if name == "x":
        return create_sandbox(data)
    app = MORE[name](file_of(name, data))
    return app, app.extensions["sandbox_state"]


def file_of(name: str, data: str) -> str:
    """Where a network beside X keeps what it remembers: a file beside ``data``."""
    if data == ":memory:":
        return data
    path = Path(data)
    return str(path.with_name(f"{path.stem}-{name}{path.suffix}"))


def create_sandbox(data: str = ":memory:") -> tuple[Flask, XState]:
    """The application and what it remembers; close the latter to write everything down.

    ``data`` is a SQLite file, made if missing, or ``":memory:"``.
    """
    state = XState(Store(data))
    signatures = Signatures(state)
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    install_guards(app)
    for routes in (
        make_oauth2(state),
        make_oauth1(state, signatures),
        make_api(state, signatures),
        make_control_api(state),
        make_control_page(state),
        make_pages(state),
    ):
        app.register_blueprint(routes)
    return app, state
