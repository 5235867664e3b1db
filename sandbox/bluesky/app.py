"""Bluesky for development and tests: a server on which nothing leaves this machine."""

from flask import Flask

from sandbox.bluesky import auth, errors, routes
from sandbox.bluesky.calls import make_xrpc
from sandbox.bluesky.control import BlueskyPanel
from sandbox.bluesky.pages import make_pages, make_timeline
from sandbox.bluesky.state import BlueskyState
from sandbox.control.api import make_panel_routes
from sandbox.core.clock import Clock
from sandbox.core.guards import guard
from sandbox.core.state import Stopped
from sandbox.core.store import Store

STATE = "sandbox_state"


def create_bluesky_app(data: str = ":memory:", clock: Clock | None = None) -> Flask:
    """The application; close ``app.extensions["sandbox_state"]`` to write everything down.

    ``data`` is a SQLite file, made if missing, or ``":memory:"``.
    """
    state = BlueskyState(Store(data), clock or Clock())
    app = Flask("sandbox")
    app.extensions[STATE] = state
    app.json.sort_keys = False  # type: ignore[attr-defined]
    guard(app, errors.say)
    app.register_error_handler(errors.XrpcError, lambda error: error.answer())
    app.register_error_handler(Stopped, lambda error: errors.plain(503).answer())
    for part in (
        make_xrpc(state, auth.METHODS | routes.METHODS),
        make_panel_routes(BlueskyPanel(state)),
        make_timeline(state),
        make_pages(state),
    ):
        app.register_blueprint(part)
    return app
