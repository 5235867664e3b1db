"""A web site of pages as they are: good ones, large ones, slow ones and hostile ones."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Page:
    """What is answered at one path."""

    content: bytes = b""
    content_type: str = HTML
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: float = 0.0
    """Seconds before each byte of the content."""
    is_endless: bool = False
    """The content is repeated for ever, and its length is not told."""


def document(head: str, body: str = "Hello") -> Page:
    """Return a page with this head."""
    return Page(f"<!doctype html><html><head>{head}</head><body>{body}".encode())


def moved(location: str, status: int = 302) -> Page:
    """Return what sends elsewhere."""
    return Page(status=status, headers={"Location": location})


class WebSite:
    """Serves ``pages`` by their path, and remembers which were asked for."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                page = site.pages.get(self.path, Page(b"nothing", status=404))
                with contextlib.suppress(OSError):  # who asked has enough
                    site.answer(self, page)

            def log_message(self, *_: object) -> None:
                """Keep silent."""

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://{host}:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler, page: Page) -> None:
        """Write a page, as slowly as it wants."""
        handler.send_response(page.status)
        handler.send_header("Content-Type", page.content_type)
        if not page.is_endless:
            handler.send_header("Content-Length", str(len(page.content)))
        for name, value in page.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        while page.is_endless:
            handler.wfile.write(page.content)
        if not page.pause:
            handler.wfile.write(page.content)
            return
        for byte in page.content:
            time.sleep(page.pause)
            handler.wfile.write(bytes([byte]))

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def web_site(host: str = "127.0.0.1", port: int = 0) -> Iterator[WebSite]:
    """Serve a site for as long as the block lasts."""
    site = WebSite(host, port)
    try:
        yield site
    finally:
        site.close()
