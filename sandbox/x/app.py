"""X for development and tests: Tweets that never leave this machine."""

from flask import Flask

from sandbox.control import make_panel_routes
from sandbox.core import Clock, Store, make_app
from sandbox.x import errors
from sandbox.x.auth import make_oauth2
from sandbox.x.control import XPanel, make_control_page
from sandbox.x.oauth1 import Signatures, make_oauth1
from sandbox.x.pages import make_pages
from sandbox.x.routes import make_api
from sandbox.x.state import XState


def create_x_app(data: str = ":memory:", clock: Clock | None = None) -> Flask:
    """The application; close ``app.extensions["sandbox_state"]`` to write everything down.

    ``data`` is a SQLite file, made if missing, or ``":memory:"``.
    """
    state = XState(Store(data), clock or Clock())
    signatures = Signatures(state)
    app = make_app(
        state,
        errors.say,
        make_oauth2(state),
        make_oauth1(state, signatures),
        make_api(state, signatures),
        make_panel_routes(XPanel(state)),
        make_control_page(state),
        make_pages(state),
    )
    app.register_error_handler(errors.XError, lambda error: error.answer())
    return app
