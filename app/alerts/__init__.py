"""Operators are told of what is wrong, when it begins and when it is over: docs/alerts.md.

A web process watches, since no worker can say that there is none. It looks at the rows, the disk
and Redis (conditions), keeps what it finds (episodes), and sends messages (targets).
docs/decisions/0027 says why.
"""

from __future__ import annotations

from flask import Flask

from app.alerts.listed import Listed, listed
from app.alerts.watcher import Watcher

__all__ = ["Listed", "Watcher", "init_app", "listed"]


def init_app(app: Flask) -> None:
    """Make the app's watcher, if anybody is to be told; gunicorn.conf.py starts it."""
    if app.config["ALERT_URLS"]:
        app.extensions["alerts"] = Watcher(app)
