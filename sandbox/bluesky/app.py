"""Bluesky for development and tests: a server on which nothing leaves this machine."""

from flask import Flask

from sandbox.bluesky import auth, errors, interests, media, routes
from sandbox.bluesky.calls import make_xrpc
from sandbox.bluesky.control import BlueskyPanel
from sandbox.bluesky.pages import make_pages
from sandbox.bluesky.state import BlueskyState
from sandbox.control import make_front_page, make_panel_routes
from sandbox.core import Clock, Store, make_app

METHODS = auth.METHODS | routes.METHODS | interests.METHODS | media.METHODS
TIMELINE = "bluesky_timeline.html"


def create_bluesky_app(data: str = ":memory:", clock: Clock | None = None) -> Flask:
    """The application; close ``app.extensions["sandbox_state"]`` to write everything down.

    ``data`` is a SQLite file, made if missing, or ``":memory:"``.
    """
    state = BlueskyState(Store(data), clock or Clock())
    app = make_app(
        state,
        errors.say,
        make_xrpc(state, METHODS),
        make_panel_routes(BlueskyPanel(state)),
        make_front_page(state, TIMELINE, "A sandbox Bluesky", state.posts.newest),
        make_pages(state),
    )
    app.register_error_handler(errors.XrpcError, lambda error: error.answer())
    return app
