"""``GET /status/<job_id>`` as nearly everybody asks it, answered before Flask looks at it.

A page that is open asks this again and again. One statement and one look into Redis answer it, and
what Flask and its extensions do around a view took longer than both (docs/decisions/0045). Here
only what is found for somebody who is signed in is answered, with the view's own words. All else is
left to the view (status.py): nobody signed in, no such job, another method, a failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.models import JobStatus
from app.server import REFUSAL
from app.web import headers, i18n, sessions
from app.web.tweets import STATUS, job_views

FAILED = "tweet_later.status_failed"
"""In a request's environ: why the database could not be asked, so that it is not asked again."""
PATH = re.compile(rf"{STATUS}([0-9a-f-]{{36}})")


def init_app(app: Flask) -> None:
    """Look at each request before Flask; not where a library watches what Flask does."""
    if not app.config["SENTRY_DSN"] and not app.config["OTEL_EXPORTER_OTLP_ENDPOINT"]:
        app.wsgi_app = QuickStatus(app)  # type: ignore[method-assign]


class QuickStatus:
    """Answers what it can, and hands on the rest."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._flask = app.wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request as WSGI wants it."""
        found = PATH.fullmatch(environ["PATH_INFO"])
        answer = self._answer(environ, found[1]) if found and self._is_usual(environ) else None
        if answer is None:
            return self._flask(environ, start_response)
        told = {
            "Content-Type": "application/json",
            "Content-Length": str(len(answer)),
            "Vary": "Cookie",
            **headers.of_private(self._app.config, environ),
        }
        start_response("200 OK", list(told.items()))
        return [answer]

    def _is_usual(self, environ: dict[str, Any]) -> bool:
        return (
            environ["REQUEST_METHOD"] == "GET"
            and REFUSAL not in environ
            and headers.FOREIGN not in environ
            and not headers.comes_too_openly(self._app.config, environ)
        )

    def _answer(self, environ: dict[str, Any], job_id: str) -> bytes | None:
        """Return the status as JSON; None when there is anything else to say."""
        key = sessions.key_in(self._app, environ)
        if key is None:
            return None
        with self._app.app_context():
            try:
                found = JobStatus.of(key, [job_id])
            except SQLAlchemyError as error:
                environ[FAILED] = error
                return None
            if not found:
                return None
            i18n.prefer(found[0].locale, environ.get("HTTP_ACCEPT_LANGUAGE", ""))
            view = job_views(found, environ.get("SCRIPT_NAME", "").rstrip("/"))[0]
            return f"{self._app.json.dumps(view, separators=(',', ':'))}\n".encode()
