"""Facebook for development and tests: Pages on which nothing leaves this machine."""

from flask import Flask

from sandbox.control import make_front_page, make_panel_routes
from sandbox.core import Clock, Store, make_app
from sandbox.facebook import errors
from sandbox.facebook.auth import make_dialog, make_tokens
from sandbox.facebook.control import FacebookPanel
from sandbox.facebook.pages import make_pages
from sandbox.facebook.routes import make_graph
from sandbox.facebook.state import FacebookState

VERSION = "v25.0"
TIMELINE = "facebook_timeline.html"


def create_facebook_app(data: str = ":memory:", clock: Clock | None = None) -> Flask:
    """The application; close ``app.extensions["sandbox_state"]`` to write everything down.

    ``data`` is a SQLite file, made if missing, or ``":memory:"``.
    """
    state = FacebookState(Store(data), clock or Clock())
    app = make_app(
        state,
        errors.say,
        make_dialog(state, VERSION),
        make_tokens(state, VERSION),
        make_graph(state, VERSION),
        make_panel_routes(FacebookPanel(state)),
        make_front_page(state, TIMELINE, "A sandbox Facebook", state.posts.newest),
        make_pages(state),
    )
    app.register_error_handler(errors.GraphError, lambda error: error.answer())
    return app
