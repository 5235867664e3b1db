"""A client of its own making: bytes on a socket, as slow or as wrong as a test wants them."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit


class Line:
    """A connection to the pages."""

    def __init__(self, site: str) -> None:
        address = urlsplit(site)
        self.sock = socket.create_connection((address.hostname, address.port), timeout=15)
        self.kept = b""

    def send(self, data: bytes) -> Line:
        """Send bytes as they are."""
        self.sock.sendall(data)
        return self

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Read one whole answer: status, headers in small letters, body; status 0 for none."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return 0, {}, b""
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        status = int(first.split(" ")[1])
        length = int(headers.get("content-length", 0))
        while len(self.kept) < length and self._more():
            pass
        body, self.kept = self.kept[:length], self.kept[length:]
        return status, headers, body

    def ends(self) -> bool:
        """Wait for the other side to close; False when more comes instead."""
        try:
            return not self.kept and not self.sock.recv(1)
        except ConnectionResetError:
            return True

    def close(self) -> None:
        """Hang up."""
        self.sock.close()

    def _until(self, end: bytes) -> bytes | None:
        while end not in self.kept:
            if not self._more():
                return None
        found, _, self.kept = self.kept.partition(end)
        return found

    def _more(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        self.kept += data
        return bool(data)


@contextmanager
def crowd(site: str, beginnings: Iterable[bytes]) -> Iterator[list[Line]]:
    """Open a connection for each of these beginnings, and leave all of them so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    with ExitStack() as held:
        lines = []
        for beginning in beginnings:
            lines.append(Line(site).send(beginning))
            held.callback(lines[-1].close)
        yield lines


def head(path: str, method: str = "GET", version: str = "1.1", **headers: str) -> bytes:
    """Return the head of a request; underscores in names stand for dashes."""
    lines = [f"{method} {path} HTTP/{version}", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def ask(site: str, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Return the answer to bytes on a connection of their own."""
    with crowd(site, [request]) as lines:
        return lines[0].answer()
