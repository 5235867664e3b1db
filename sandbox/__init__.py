"""A strict stand-in for the networks, on this machine only, with faults on demand.

A separate program: Tweet Later never imports it, and it imports nothing of Tweet Later.
"""

from flask import Flask

from sandbox.control_api import make_control_api
from sandbox.control_page import make_control_page
from sandbox.guards import install_guards
from sandbox.store import Store
from sandbox.x_api import make_api
from sandbox.x_oauth1 import make_oauth1
from sandbox.x_oauth2 import make_oauth2
from sandbox.x_pages import make_pages
from sandbox.x_signatures import Signatures
from sandbox.x_state import XState


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
