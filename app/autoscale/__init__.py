"""No worker while nothing is due, and one before the next thing is: docs/decisions/0020.

A web process decides from the rows (demand, decision), under a lease (lease), and a driver (local,
heroku, command) does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from app.autoscale.autoscaler import Autoscaler
from app.autoscale.command import CommandDriver
from app.autoscale.decision import Policy
from app.autoscale.driver import Driver
from app.autoscale.heroku import HerokuDriver
from app.autoscale.local import LocalDriver
from app.autoscale.status import Status, is_failing, is_resting, status

__all__ = ["Autoscaler", "Status", "init_app", "is_failing", "is_resting", "status"]


def init_app(app: Flask) -> None:
    """Make the app's autoscaler, if it has one; each web process starts it (gunicorn.conf.py)."""
    if app.config["AUTOSCALE"]:
        autoscaler = Autoscaler(app, _driver(app.config), Policy.of(app.config))
        app.extensions["autoscaler"] = autoscaler


def _driver(config: Mapping[str, Any]) -> Driver:
    if config["AUTOSCALE"] == "heroku":
        names = ("HEROKU_API_URL", "HEROKU_APP_NAME", "HEROKU_API_KEY")
        return HerokuDriver(*(config[name] for name in names))
    if config["AUTOSCALE"] == "command":
        return CommandDriver(config["AUTOSCALE_COMMAND"])
    return LocalDriver()
