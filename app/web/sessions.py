"""The signed cookie that says who asks."""

from __future__ import annotations

from flask import Flask, Response, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from app.web import assets


class Sessions(SecureCookieSessionInterface):
    """Prolongs a session with each page, and not with each poll of a page that is left open."""

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Return whether this answer carries the cookie."""
        if request.blueprint == "status":
            return session.modified
        return super().should_set_cookie(app, session)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Leave files alone: a cache that keeps one would hand the cookie on to the next."""
        if not assets.is_for_everybody(response):
            super().save_session(app, session, response)


def init_app(app: Flask) -> None:
    """Keep sessions in this way."""
    app.session_interface = Sessions()


def user_id() -> int | None:
    """Return the id of the user who is signed in, without asking the database; None for nobody."""
    known = session.get("_user_id")  # Flask-Login's name
    return int(known) if known else None
