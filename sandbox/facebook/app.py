"""Facebook for development and tests: Pages on which nothing leaves this machine."""

from flask import Flask

from sandbox.control.api import make_panel_routes
from sandbox.core.clock import Clock
from sandbox.core.guards import guard
from sandbox.core.state import Stopped
from sandbox.core.store import Store
from sandbox.facebook import errors
from sandbox.facebook.auth import make_dialog
from sandbox.facebook.control import FacebookPanel
from sandbox.facebook.pages import make_pages, make_timeline
from sandbox.facebook.publishing import make_publishing
from sandbox.facebook.routes import make_graph
from sandbox.facebook.state import FacebookState

VERSION = "v25.0"
STATE = "sandbox_state"


def create_facebook_app(data: str = ":memory:", clock: Clock | None = None) -> Flask:
    """The application; close ``app.extensions["sandbox_state"]`` to write everything down.

    ``data`` is a SQLite file, made if missing, or ``":memory:"``.
    """
    state = FacebookState(Store(data), clock or Clock())
    app = Flask("sandbox")
    app.extensions[STATE] = state
    app.json.sort_keys = False  # type: ignore[attr-defined]
    guard(app, errors.say)
    app.register_error_handler(errors.GraphError, lambda error: error.answer())
    app.register_error_handler(Stopped, lambda error: errors.service(503).answer())
    for routes in (
        make_dialog(state, VERSION),
        make_graph(state, VERSION),
        make_publishing(state, VERSION),
        make_panel_routes(FacebookPanel(state)),
        make_timeline(state),
        make_pages(state),
    ):
        app.register_blueprint(routes)
    return app
