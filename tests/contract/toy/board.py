"""A notice board on loopback: a small server that breaks when it is told to."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Board(ThreadingHTTPServer):
    """The server; whoever has the token ``token-of-ana`` is ana."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.notices: list[dict[str, Any]] = []
        self.calls: list[str] = []
        """The names of those who asked for a notice to be put up."""
        self.faults: dict[str, str] = {}
        """By name, what goes wrong with the next notice: ``lost`` after it is up, ``dropped``
        before, ``refused`` or ``limited``."""
        self.ended: set[str] = set()
        """Whose token is over."""
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self.shutdown()
        self.server_close()

    def of(self, name: str) -> list[dict[str, Any]]:
        """Return somebody's notices, oldest first."""
        return [notice for notice in self.notices if notice["author"] == name]


class _Handler(BaseHTTPRequestHandler):
    server: Board

    def do_GET(self) -> None:
        """``/me``, ``/notices`` and the page of one notice."""
        asked = f"{self.server.url}{self.path}"
        shown = [notice for notice in self.server.notices if notice["url"] == asked]
        if shown:
            self._answer(200, shown[0])
        elif (name := self._name()) is None:
            self._answer(401, {"error": "unknown token"})
        elif self.path == "/me":
            self._answer(200, {"id": f"id-{name}", "name": name})
        else:
            self._answer(200, self.server.of(name))

    def do_POST(self) -> None:
        """Put up a notice, unless something shall go wrong."""
        name = self._name()
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
        if name is None:
            self._answer(401, {"error": "unknown token"})
            return
        self.server.calls.append(name)
        fault = self.server.faults.pop(name, "")
        if fault == "refused":
            self._answer(422, {"error": "we do not like this"})
        elif fault == "limited":
            self._answer(429, {"error": "slowly"}, **{"Retry-After": "2"})
        elif fault != "dropped":
            notice = self._put_up(name, text)
            if fault != "lost":
                self._answer(201, notice)

    def _put_up(self, name: str, text: str) -> dict[str, Any]:
        number = str(len(self.server.notices) + 1)
        notice = {
            "id": number,
            "url": f"{self.server.url}/notices/{number}",
            "author": name,
            "text": text,
            "created_at": datetime.now(UTC).isoformat(),
        }
        self.server.notices.append(notice)
        return notice

    def _name(self) -> str | None:
        name = self.headers.get("Authorization", "").removeprefix("Bearer token-of-")
        return None if not name.isalpha() or name in self.server.ended else name

    def _answer(self, status: int, data: Any, **headers: str) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        for header, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
