"""What a process that serves pages does once before it is divided (``gunicorn.conf.py``).

All processes share what exists by then, so templates, languages and the words for times are in
memory once. Nothing here opens a connection: no two processes may use the same one.
"""

from __future__ import annotations

import importlib
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy.orm import configure_mappers

from app.db import utcnow
from app.web import i18n
from app.web.assets import module_of_domains
from app.when import understand

LATE = ("authlib.integrations.requests_client",)
"""What signs people in with X: loaded where it is used. What draws charts for operators is nine
megabytes for the few who look, and is not loaded before.
"""
TIMES = ("tomorrow at 9", "in 2 hours", "mañana a las 9")
"""Enough to load all that understanding a time needs."""


def init_app(app: Flask) -> None:
    """Let the server warm up this app."""
    app.extensions["warm_up"] = lambda: _warm_up(app)


def _warm_up(app: Flask) -> None:
    for library in LATE:
        importlib.import_module(library)
    configure_mappers()
    module_of_domains()
    for name in app.jinja_env.list_templates(["html"]):
        app.jinja_env.get_template(name)
    for locale in i18n.LOCALES:
        with app.test_request_context():
            i18n.prefer(locale)
            i18n.relative_time(utcnow())
            i18n.exact_time(utcnow(), ZoneInfo("UTC"))
            app.jinja_env.from_string('{{ _("Edit") }}').render(i18n.translations())
    for words in TIMES:
        understand(words, ZoneInfo("UTC"), utcnow())
