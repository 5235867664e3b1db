"""Answer one request by calling the WSGI app, in a thread."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException

from app.server.connection import ClientGone, Connection, Output
from app.server.policy import REFUSAL

SENTENCES = {
    408: "Your request took too long to arrive. Nothing was stored.",
    431: "The head of your request is too large.",
}
LOGGED = (
    *("REMOTE_ADDR", "REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL", "PATH_INFO", "QUERY_STRING"),
    *("HTTP_REFERER", "HTTP_USER_AGENT", "HTTP_AUTHORIZATION"),
)
"""What the access log says of a request, whatever its format, unless that names headers."""
SECRET_PATHS = re.compile(
    r"^((?:.*?)/(?:email/[./]*confirm|sign-up|unsubscribe|calendar)/).+",
    re.DOTALL | re.IGNORECASE,
)
"""Links in mails, and calendars: whoever knows what follows can use them, whatever comes before."""
UNREADABLE = "We could not read that request. Nothing was stored."


def environ_of(connection: Connection, cfg: Any) -> tuple[Any, dict[str, Any]]:
    """Return gunicorn's Response and the environ for the request of a connection.

    :raises ParseException: it contradicts itself.
    """
    request, body = connection.request, connection.body
    request.body = body.file if body is not None else None
    request._expected_100_continue = False  # answered already, or refused
    response, environ = wsgi.create(
        request, connection.output, connection.client, connection.server, cfg
    )
    environ["wsgi.multithread"] = True
    if environ.pop("HTTP_TRANSFER_ENCODING", None) is not None and body is not None:
        environ["CONTENT_LENGTH"] = str(body.received)
    if connection.refusal:
        environ[REFUSAL] = connection.refusal
        environ["CONTENT_LENGTH"] = "0"
    return response, environ


def answer(connection: Connection, app: Any, cfg: Any, log: Any, taken_at: float) -> None:
    """Call the app and give its answer to the connection's output.

    :param taken_at: when the request was complete, by the monotonic clock.
    :raises ClientGone: nobody is there to take it.
    """
    try:
        response, environ = environ_of(connection, cfg)
    except ParseException as error:
        refuse_plainly(connection.output, 400)
        connection.last = True
        log.info("400 for a request that could not be read (%s)", type(error).__name__)
        return
    sent_before = connection.output.sent
    if connection.last:
        response.force_close()
    try:
        _run(app, response, environ)
    except ClientGone:
        raise
    except Exception:
        log.exception("Error handling %(REQUEST_METHOD)s %(PATH_INFO)s", _for_log(environ))
        connection.last = True
        if connection.output.sent == sent_before:
            connection.output.forget()
            refuse_plainly(connection.output, 500)
        return
    finally:
        if response.status is not None:
            took = timedelta(seconds=time.monotonic() - taken_at)
            _log(log, cfg, response, connection.request, environ, took)
    connection.last = connection.last or response.should_close()


def _run(app: Any, response: Any, environ: dict[str, Any]) -> None:
    pieces = app(environ, response.start_response)
    try:
        for piece in pieces:
            response.write(piece)
            response.sock.wait_for_room()
        response.close()
    finally:
        if hasattr(pieces, "close"):
            pieces.close()


def _log(log: Any, cfg: Any, response: Any, request: Any, environ: Any, took: timedelta) -> None:
    """Write the line of the access log; gunicorn prepares every header that a format could name."""
    told = _for_log(environ)
    if "{" not in cfg.access_log_format:
        request, told = {}, {name: told[name] for name in LOGGED if name in told}
    log.access(response, request, told, took)


def _for_log(environ: dict[str, Any]) -> dict[str, Any]:
    """Return the environ with its path as it was asked for: decoded it may hold line breaks.

    What makes a link of a mail secret is left out, also where it is the page that led here.
    """
    path = quote(environ["PATH_INFO"], encoding="latin-1")
    bare = SECRET_PATHS.sub(r"\1...", path)
    told = {**environ, "PATH_INFO": bare}
    if "HTTP_REFERER" in told:
        told["HTTP_REFERER"] = SECRET_PATHS.sub(r"\1...", told["HTTP_REFERER"])
    return told if bare == path else {**told, "RAW_URI": bare}


def refuse_plainly(output: Output, status: int) -> None:
    """Answer what no app can answer, because there is no request that could be read."""
    sentence = "That did not work." if status >= 500 else SENTENCES.get(status, UNREADABLE)
    output.sendall(
        (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nConnection: close\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
            f"Content-Length: {len(sentence) + 1}\r\n\r\n{sentence}\n"
        ).encode()
    )
