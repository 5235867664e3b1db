"""What the web server asks before it takes a request: who answers it, how large it may be."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any
from urllib.parse import unquote

from flask import Flask, abort, request
from sqlalchemy.exc import SQLAlchemyError

from app.db import rollback_quietly
from app.server import REFUSAL, Policy
from app.web import sessions
from app.web.larger_bodies import MOST_BYTES


class Admission(Policy):
    """What app/server asks before it reads a body."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self.body_timeout = app.config["BODY_TIMEOUT"]
        self.head_timeout = min(Policy.head_timeout, self.body_timeout)
        self.most_bytes = app.config["MAX_CONTENT_LENGTH"]

    def bulkhead_of(self, path: str) -> str:
        """Return the group of threads that answers a path; what waits for a network has its own."""
        path = unquote(path)
        if path == "/healthz":
            return "health"
        if path.startswith(("/login/", "/accounts/confirm")) or path.endswith("/disconnect"):
            return "networks"
        if path.startswith("/export.") or path.endswith(".ics"):
            return "files"
        return "pages"

    def may_be_larger(self, headers: Mapping[str, str]) -> bool:
        """Return whether this may be somebody's form with files."""
        kind = headers.get("CONTENT-TYPE", "").lower()
        return "COOKIE" in headers and kind.startswith("multipart/form-data")

    def larger_limit(self, environ: dict[str, Any]) -> tuple[int, Hashable]:
        """Return how large the body may be, and whose it is; files are for the signed in."""
        with self._app.request_context(environ):
            person = sessions.user_id()
            if person is None or request.endpoint not in MOST_BYTES or _has_ended():
                return self.most_bytes, None
            return MOST_BYTES[request.endpoint], person


def _has_ended() -> bool:
    """Whether the cookie's session is over; a database that is away does not say so."""
    try:
        return not sessions.is_alive()
    except SQLAlchemyError:
        rollback_quietly()
        return False


def init_app(app: Flask) -> None:
    """Tell the server; before anything else that looks at requests."""
    app.extensions["server"] = Admission(app)
    app.before_request(_refuse_as_told)


def _refuse_as_told() -> None:
    """Refuse what the server did not read: it was too large, or too slow."""
    status = request.environ.get(REFUSAL)
    if status:
        abort(status)
