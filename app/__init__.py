"""The application factory: the one place that knows every part."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import config
from app import (
    alerts,
    autoscale,
    broker,
    cli,
    db,
    logs,
    mail,
    networks,
    telemetry,
    workers,  # noqa: F401 (registers the tasks)
)
from app.accounts import ServerApps


class App(Flask):
    """Flask, without its question before each call whether a function is ``async``: none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is."""
        return func


def create_app(settings: dict[str, Any] | None = None, serves_pages: bool = True) -> Flask:
    """Make the app from the environment.

    :param settings: a complete configuration to use instead of the environment's.
    :param serves_pages: False leaves out what only they need, which saves a worker much memory.
    :raises SystemExit: the environment is impossible; the sentences say why.
    """
    app = App(__name__, instance_path=str(config.INSTANCE))
    try:
        app.config.update(settings or config.load())
        db.init_app(app)
    except config.ConfigurationError as error:
        sys.exit(f"Tweet Later cannot start.\n{error}")
    logs.init_app(app)
    for sentence in app.config.get("WARNINGS", []):
        app.logger.warning(sentence)
    app.extensions["token_cipher"] = MultiFernet([Fernet(k) for k in app.config["TOKEN_KEYS"]])
    app.extensions["networks"] = networks.build({**app.config, "MASTODON_APPS": ServerApps()})
    broker.init_app(app)
    telemetry.init_app(app)
    if serves_pages:
        _add_pages(app)
    mail.init_app(app)
    return app


def _add_pages(app: Flask) -> None:
    from app import web  # here: workers do without, and save 15 MiB

    web.init_app(app)
    cli.init_app(app)
    autoscale.init_app(app)
    alerts.init_app(app)
    if app.config["BEHIND_PROXY"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=0)  # type: ignore[method-assign]
