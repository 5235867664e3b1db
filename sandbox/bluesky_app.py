"""Bluesky for development and tests: a server on which nothing leaves this machine."""

from flask import Flask

from sandbox import bluesky_accounts, bluesky_posts
from sandbox import bluesky_errors as errors
from sandbox.bluesky_control import BlueskyPanel
from sandbox.bluesky_pages import make_pages, make_timeline
from sandbox.bluesky_state import BlueskyState
from sandbox.bluesky_xrpc import make_xrpc
from sandbox.clock import Clock
from sandbox.control_api import make_panel_routes
from sandbox.guards import guard
from sandbox.state import Stopped
from sandbox.store import Store

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
    for routes in (
        make_xrpc(state, bluesky_accounts.METHODS | bluesky_posts.METHODS),
        make_panel_routes(BlueskyPanel(state)),
        make_timeline(state),
        make_pages(state),
    ):
        app.register_blueprint(routes)
    return app
