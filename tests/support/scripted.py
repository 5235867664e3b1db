"""A small HTTP server that gives the answers a test wrote down, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from app.db import utcnow
from app.networks.base import Part


def part(text: str, **more: Any) -> Part:
    """Return what a first create call shall publish."""
    return Part(text, "0" * 32, now := utcnow(), now, **more)


LOST = (0, b"")
"""An answer that is on its way for ever."""
SCRIPT_OVER = (599, {"title": "the script is over"})


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class ScriptedServer:
    """Gives ``answers`` one after the other: (status, JSON, text or bytes); with TLS if it may."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: Sequence[tuple[int, Any]] = []
        self.play: Callable[[Seen], tuple[int, Any]] | None = None
        """What answers instead of the script; several calls may come at a time."""
        self.headers: Mapping[str, str] = {}
        """What every answer has beside the usual headers."""
        self.seen: list[Seen] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):  # who asked was killed
                    super().handle()

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                seen = Seen(self.command, self.path, self.headers, self.rfile.read(length))
                status, content = outer.next_answer(seen)
                if (status, content) == LOST:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Keep silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def next_answer(self, seen: Seen) -> tuple[int, bytes]:
        """Remember a request and return what to say."""
        index = len(self.seen)
        self.seen.append(seen)
        if self.play is not None:
            status, body = self.play(seen)
        else:
            status, body = self.answers[index] if index < len(self.answers) else SCRIPT_OVER
        if isinstance(body, bytes):
            return status, body
        return status, (body if isinstance(body, str) else json.dumps(body)).encode()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()
