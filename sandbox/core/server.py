"""The HTTP server: Werkzeug's, taught keep-alive and how to break a line on purpose."""

import io
import os
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

MAX_BODY = 20_000_000  # bytes; a picture is the largest
WIRE = "sandbox.wire"  # where an application finds the Wire of its request


@dataclass
class Wire:
    """What shall happen to the connection instead of a plain answer.

    ``ending``: ``reset`` (TCP reset, no byte sent), ``close`` (closed, no byte sent) or ``cut``
    (closed in the middle of the body). None sends the answer whole.
    """

    ending: str | None = None


class KeepAliveHandler(WSGIRequestHandler):
    """Serves many requests on one connection.

    Werkzeug's own handler closes after every answer, because it may not know where the request
    ended. Here the body is read whole before the application runs, so it is known.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 75  # seconds of silence after which an idle connection is closed

    def run_wsgi(self) -> None:
        """Answer one request."""
        body = self._read_body()
        if body is None:
            return
        environ = self.make_environ()
        self.environ = environ
        environ["wsgi.input"] = io.BytesIO(body)
        wire = environ[WIRE] = Wire()
        answer = Response.from_app(self.server.app, environ, buffered=True)
        self._send(answer, environ, wire)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: a load test would drown the console."""

    def log_error(self, message: str, *args: object) -> None:
        """Say what went wrong, but not that a connection was idle for long."""
        if not message.startswith("Request timed out"):
            super().log_error(message, *args)

    def _read_body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
            return None
        if int(length) > MAX_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True  # the caller left in the middle: there was no request
            return None
        return body

    def _refuse(self, status: HTTPStatus) -> None:
        # The unread body would be taken for the next request, so the connection has to end.
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def _send(self, answer: Response, environ: "WSGIEnvironment", wire: Wire) -> None:
        if wire.ending in ("reset", "close"):
            self._break_line(wire.ending)
            return
        chunks, status, headers = answer.get_wsgi_response(environ)
        body = b"".join(chunks)
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        if wire.ending == "cut":
            body = body[: len(body) // 2]
            self.close_connection = True
        elif self.close_connection:
            self.send_header("Connection", "close")
        self._headers_buffer.append(b"\r\n" + body)
        self.flush_headers()

    def _break_line(self, how: str) -> None:
        self.close_connection = True
        if how == "close":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        # Lingering for zero seconds turns the close into a reset. The descriptor is closed itself,
        # because a socket object waits for its two files before it closes.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())


def make_sandbox_server(host: str, port: int, app: "WSGIApplication") -> BaseWSGIServer:
    """A threaded server for ``app``, listening but not yet serving; port 0 takes a free one.

    Exits with a sentence on standard error when the port is taken.
    """
    return make_server(host, port, app, threaded=True, request_handler=KeepAliveHandler)
