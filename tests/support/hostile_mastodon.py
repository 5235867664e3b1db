"""A Mastodon server whose owner wants into other people's accounts, played on loopback."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

SIGN_IN = {
    "description": "/.well-known/oauth-authorization-server",
    "registration": "/api/v1/apps",
    "token": "/oauth/token",
    "account": "/api/v1/accounts/verify_credentials",
    "software": "/.well-known/nodeinfo",
    "limits": "/api/v2/instance",
}
"""What is asked of a server on the way to an account, in order."""
PIECE = 65_536
GRANTED = "read:accounts read:statuses write:statuses write:media"

Sink = Callable[[bytes], object]


def _deep(_write: Sink) -> bytes:
    return b'{"a":' * 200_000 + b"1" + b"}" * 200_000


def _digits(_write: Sink) -> bytes:
    return b'{"id":' + b"9" * 100_000 + b',"access_token":' + b"9" * 100_000 + b"}"


def _huge(write: Sink) -> bytes:
    """Send as much as anybody takes."""
    write(b'{"access_token": "')
    with suppress(OSError):
        for _ in range(4_096):
            write(b"x" * PIECE)
    return b'"}'


def _slow(write: Sink) -> bytes:
    """Send a byte now and then for longer than anybody waits."""
    with suppress(OSError):
        for _ in range(200):
            write(b" ")
            time.sleep(0.2)
    return b"{}"


def _odd(_write: Sink) -> bytes:
    odd = {
        "error": "\0\ud800",
        "client_id": "\0",
        "client_secret": "\ud800",
        "access_token": "\0\n",
    }
    return json.dumps({**odd, "id": "\0", "username": "\ud800", "display_name": "\0" * 9}).encode()


def _list(_write: Sink) -> bytes:
    return b'[[1, null, "access_token"]]'


BOMBS: dict[str, Callable[[Sink], bytes]] = {
    "deep": _deep,
    "digits": _digits,
    "huge": _huge,
    "list": _list,
    "odd": _odd,
    "slow": _slow,
}
"""What may come in the place of an answer; each writes to the line and returns the rest."""


class HostileMastodon:
    """Answers everybody; what it is up to is set from outside.

    ``gives``: the codes that get a token, None for any. ``identity``: whose account it says that a
    token is. ``forwards_to``: where its consent page sends the browser, instead of straight back.
    ``bombs``: what comes in the place of an answer, by the name of a call in SIGN_IN.
    ``zipped``: whether such a bomb comes compressed. It remembers ``calls``, the ``codes`` that
    were shown to it, the tokens that were ``revoked``, and the last ``asked`` consent.
    """

    def __init__(self) -> None:
        self.gives: set[str] | None = {"good"}
        self.identity: dict[str, Any] = {"id": "666", "username": "mallory"}
        self.forwards_to: Callable[[dict[str, str]], str] | None = None
        self.bombs: dict[str, str] = {}
        self.zipped = False
        self.calls: list[str] = []
        self.codes: list[str] = []
        self.revoked: list[str] = []
        self.asked: dict[str, str] = {}
        self._tokens = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                outer.answer(self)

            do_GET = do_POST = handle_any  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Keep silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.host}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def back(self, asked: dict[str, str], **more: str) -> str:
        """Return the way back to our callback, which needs no visit of its consent page."""
        return f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], **more})}"

    def answer(self, call: BaseHTTPRequestHandler) -> None:
        """Answer one call."""
        address = urlsplit(call.path)
        form = parse_qs(call.rfile.read(int(call.headers.get("Content-Length") or 0)).decode())
        sent = {name: values[-1] for name, values in form.items()}
        self.calls.append(address.path)
        bombs = {SIGN_IN[name]: BOMBS[bomb] for name, bomb in self.bombs.items()}
        with suppress(OSError):
            if address.path in bombs:
                self._explode(call, bombs[address.path])
            elif address.path == "/oauth/authorize":
                self._authorize(call, dict(parse_qsl(address.query)))
            else:
                status, body = self._say(address.path, sent)
                content = json.dumps(body).encode()
                call.send_response(status)
                call.send_header("Content-Length", str(len(content)))
                call.end_headers()
                call.wfile.write(content)

    def _authorize(self, call: BaseHTTPRequestHandler, asked: dict[str, str]) -> None:
        self.asked = asked
        forward = self.forwards_to
        where = forward(asked) if forward else self.back(asked, code="good")
        call.send_response(302)
        call.send_header("Location", where)
        call.send_header("Content-Length", "0")
        call.end_headers()

    def _say(self, path: str, sent: dict[str, str]) -> tuple[int, Any]:
        if path == SIGN_IN["registration"]:
            return 200, {"client_id": "hostile", "client_secret": "hostile-secret"}
        if path == SIGN_IN["token"]:
            self.codes.append(sent.get("code", ""))
            if self.gives is not None and sent.get("code") not in self.gives:
                return 400, {"error": "invalid_grant"}
            self._tokens += 1
            token = f"hostile-token-{self._tokens}"
            return 200, {"access_token": token, "token_type": "Bearer", "scope": GRANTED}
        if path == "/oauth/revoke":
            self.revoked.append(sent.get("token", ""))
            return 200, {}
        if path == SIGN_IN["account"]:
            return 200, self.identity
        return 404, {"error": "Not Found"}

    def _explode(self, call: BaseHTTPRequestHandler, bomb: Callable[[Sink], bytes]) -> None:
        call.send_response(200)
        call.send_header("Content-Type", "application/json")
        call.send_header("Connection", "close")
        call.close_connection = True
        if self.zipped:
            call.send_header("Content-Encoding", "gzip")
            call.end_headers()
            with gzip.GzipFile(fileobj=call.wfile, mode="wb", compresslevel=1) as packed:
                packed.write(bomb(packed.write))
            return
        call.end_headers()
        call.wfile.write(bomb(call.wfile.write))
