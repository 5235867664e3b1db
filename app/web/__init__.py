"""The pages and the JSON: read the request, call one verb, answer."""

from __future__ import annotations

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from app.web import (
    accounts,
    admission,
    assets,
    auth,
    changes,
    headers,
    health,
    limits,
    locales,
    pages,
    pictures,
    problems,
    schemas,
    session_pages,
    sessions,
    settings,
    status,
    tweets,
)


def init_app(app: Flask) -> None:
    """Add every page, and what all of them share."""
    admission.init_app(app)  # first: of what it refuses, the server has not read the body
    headers.init_app(app)  # then: whoever is refused there is not counted or looked up
    Bootstrap5(app)
    CSRFProtect(app)
    sessions.init_app(app)
    limits.init_app(app)
    locales.init_app(app)
    auth.init_app(app)
    problems.init_app(app)
    schemas.init_app(app)
    pages.init_app(app)
    session_pages.init_app(app)
    for blueprint in (
        assets.bp,
        auth.bp,
        tweets.bp,
        changes.bp,
        pictures.bp,
        status.bp,
        accounts.bp,
        settings.bp,
        session_pages.bp,
        health.bp,
    ):
        app.register_blueprint(blueprint)
