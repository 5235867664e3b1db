"""Mastodon for development and tests: a server from which nothing leaves this machine."""

from flask import Flask, Response

from sandbox.control.api import make_panel_routes
from sandbox.core.clock import Clock
from sandbox.core.guards import guard
from sandbox.core.state import Stopped
from sandbox.core.store import Store
from sandbox.mastodon.auth import make_oauth
from sandbox.mastodon.control import MastodonPanel
from sandbox.mastodon.errors import MastodonError, OAuthError, plain
from sandbox.mastodon.instance import make_instance
from sandbox.mastodon.media import make_media
from sandbox.mastodon.pages import make_pages, make_timeline
from sandbox.mastodon.routes import make_api
from sandbox.mastodon.state import MastodonState

STATE = "sandbox_state"


def create_mastodon_app(data: str = ":memory:", clock: Clock | None = None) -> Flask:
    """The application; close ``app.extensions["sandbox_state"]`` to write everything down.

    ``data`` is a SQLite file, made if missing, or ``":memory:"``.
    """
    state = MastodonState(Store(data), clock or Clock())
    app = Flask("sandbox")
    app.extensions[STATE] = state
    app.json.sort_keys = False  # type: ignore[attr-defined]

    def say(status: int, _detail: str | None = None) -> Response:
        answer = plain(status).answer(state.settings.language)
        answer.status_code = status
        return answer

    guard(app, say)
    app.register_error_handler(MastodonError, lambda error: error.answer(state.settings.language))
    app.register_error_handler(OAuthError, lambda error: error.answer())
    app.register_error_handler(Stopped, lambda error: say(503))
    for routes in (
        make_oauth(state),
        make_api(state),
        make_media(state),
        make_instance(state),
        make_panel_routes(MastodonPanel(state)),
        make_timeline(state),
        make_pages(state),
    ):
        app.register_blueprint(routes)
    return app
