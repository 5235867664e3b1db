"""Mastodon for development and tests: a server from which nothing leaves this machine."""

from flask import Flask, Response

from sandbox.control import make_front_page, make_panel_routes
from sandbox.core import Clock, Store, make_app
from sandbox.mastodon.auth import make_oauth
from sandbox.mastodon.control import MastodonPanel
from sandbox.mastodon.errors import MastodonError, OAuthError, plain
from sandbox.mastodon.instance import make_instance
from sandbox.mastodon.media import make_media
from sandbox.mastodon.pages import make_pages
from sandbox.mastodon.routes import make_api
from sandbox.mastodon.state import MastodonState

TIMELINE = "mastodon_timeline.html"


def create_mastodon_app(data: str = ":memory:", clock: Clock | None = None) -> Flask:
    """The application; close ``app.extensions["sandbox_state"]`` to write everything down.

    ``data`` is a SQLite file, made if missing, or ``":memory:"``.
    """
    state = MastodonState(Store(data), clock or Clock())

    def say(status: int, _detail: str | None) -> Response:
        answer = plain(status).answer(state.settings.language)
        answer.status_code = status
        return answer

    app = make_app(
        state,
        say,
        make_oauth(state),
        make_api(state),
        make_media(state),
        make_instance(state),
        make_panel_routes(MastodonPanel(state)),
        make_front_page(state, TIMELINE, "A sandbox Mastodon", state.posts.newest),
        make_pages(state),
    )
    app.register_error_handler(MastodonError, lambda error: error.answer(state.settings.language))
    app.register_error_handler(OAuthError, lambda error: error.answer())
    return app
