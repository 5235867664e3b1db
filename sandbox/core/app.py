"""The Flask app that every network begins with."""

from flask import Blueprint, Flask

from sandbox.core.guards import Say, guard

STATE = "sandbox_state"
"""The extension under which an app keeps what it remembers."""


def make_app(state: object, say: Say, *blueprints: Blueprint) -> Flask:
    """Make a guarded app of these routes; ``say`` words its errors."""
    app = Flask("sandbox")
    app.extensions[STATE] = state
    app.json.sort_keys = False  # type: ignore[attr-defined]
    guard(app, say)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return app
