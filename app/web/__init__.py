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
    calendar,
    calendar_feed,
    context,
    deletion,
    drafts,
    email,
    errors,
    headers,
    health,
    i18n,
    larger_bodies,
    learning,
    metrics,
    notices,
    operations,
    pictures,
    pools,
    presets,
    push,
    quick_status,
    rate_limits,
    series,
    session_routes,
    sessions,
    settings,
    slots,
    status,
    tweet_files,
    warming,
)
from app.web.tweets import actions, bulk, lists, routes


def init_app(app: Flask) -> None:
    """Add every page, and what all of them share."""
    admission.init_app(app)  # first: of what it refuses, the server has not read the body
    quick_status.init_app(app)  # inside what the next one adds to each answer
    headers.init_app(app)  # then: whoever is refused there is not counted or looked up
    larger_bodies.init_app(app)
    Bootstrap5(app)
    assets.init_app(app)
    CSRFProtect(app).exempt(email.links)
    sessions.init_app(app)
    rate_limits.init_app(app)
    i18n.init_app(app)
    auth.init_app(app)
    errors.init_app(app)
    context.init_app(app)
    warming.init_app(app)
    for blueprint in (
        auth.bp,
        routes.bp,
        lists.bp,
        calendar.bp,
        bulk.bp,
        series.bp,
        pools.bp,
        presets.bp,
        tweet_files.bp,
        calendar_feed.bp,
        deletion.bp,
        actions.bp,
        drafts.bp,
        pictures.bp,
        status.bp,
        accounts.bp,
        slots.bp,
        learning.routes.bp,
        learning.interests.bp,
        learning.suggestions.bp,
        learning.numbers.bp,
        notices.bp,
        settings.bp,
        push.bp,
        email.bp,
        email.links,
        session_routes.bp,
        health.bp,
        metrics.bp,
        operations.access.bp,
    ):
        app.register_blueprint(blueprint)
