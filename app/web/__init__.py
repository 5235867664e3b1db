"""The pages and the JSON: read the request, call one verb, answer."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_bootstrap import Bootstrap5
from flask_talisman import Talisman
from flask_wtf import CSRFProtect

from app.web import (
    accounts,
    assets,
    auth,
    changes,
    health,
    limits,
    locales,
    pages,
    pictures,
    problems,
    schemas,
    sessions,
    settings,
    status,
    turns,
    tweets,
)

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "frame-ancestors": "'none'",
    # No form-action: browsers apply it to the redirect to a network's consent page as well.
}


def init_app(app: Flask) -> None:
    """Add every page, and what all of them share."""
    app.wsgi_app = turns.Turnstile(app.wsgi_app)  # type: ignore[method-assign]
    Bootstrap5(app)
    CSRFProtect(app)
    Talisman(app, **_headers(app.config))
    sessions.init_app(app)
    limits.init_app(app)
    locales.init_app(app)
    auth.init_app(app)
    problems.init_app(app)
    schemas.init_app(app)
    pages.init_app(app)
    for blueprint in (
        assets.bp,
        auth.bp,
        tweets.bp,
        changes.bp,
        pictures.bp,
        status.bp,
        accounts.bp,
        settings.bp,
        health.bp,
    ):
        app.register_blueprint(blueprint)


def _headers(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "content_security_policy": POLICY,
        "force_https": config["FORCE_HTTPS"],
        "session_cookie_secure": config["SESSION_COOKIE_SECURE"],
        "session_cookie_samesite": "Lax",
        "strict_transport_security": config["FORCE_HTTPS"],
        "referrer_policy": "same-origin",
        "frame_options": "DENY",
    }
