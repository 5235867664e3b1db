"""Keeps the sandbox to this machine and to its own pages."""

from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
API_PATHS = ("/2/", "/1.1/", "/control/api/", "/v25.0/")
# The consent page's form ends at the app's callback, and browsers hold redirects of a form to
# this list too.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self' http://127.0.0.1:* http://localhost:*"
)


class Stopped(Exception):
    """The sandbox is stopping, or was reset meanwhile, and does not accept this call."""


Say = Callable[[int, str | None], Response]
"""How a network words an HTTP status, with a detail or without."""


def guard(app: Flask, say: Say) -> None:
    """Refuse strangers before each view of ``app``, and add headers and words to every answer."""
    app.before_request(lambda: _refuse_strangers(say))
    app.after_request(_add_policy)
    app.register_error_handler(HTTPException, lambda error: _answer_http_error(error, say))
    app.register_error_handler(Stopped, lambda _error: say(503, None))


def _refuse_strangers(say: Say) -> Response | None:
    """A page of another site may reach loopback through a browser; it gets no further than here."""
    if urlsplit(request.host_url).hostname not in LOOPBACK:
        return say(404, None)
    if request.method != "POST":
        return None
    origin = request.headers.get("Origin")
    came_from = request.headers.get("Sec-Fetch-Site", "same-origin")
    is_foreign_page = origin is not None and origin != request.host_url.rstrip("/")
    if is_foreign_page or came_from not in ("same-origin", "none"):
        return say(403, "This form belongs to another page.")
    return None


def _add_policy(answer: Response) -> Response:
    answer.headers.setdefault("Content-Security-Policy", POLICY)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    # With "no-referrer" browsers would hide the Origin that forms are checked by.
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def _answer_http_error(error: HTTPException, say: Say) -> Response:
    status = error.code or 500
    wants_page = request.accept_mimetypes.best == "text/html"
    if wants_page and not request.path.startswith(API_PATHS):
        page = render_template("problem.html", title=error.name, detail=error.description)
        return Response(page, status)
    return say(status, None)
