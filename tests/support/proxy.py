"""A TCP proxy before a server on loopback: slow, silent, or cut off."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

CHUNK = 65_536


class Proxy:
    """Passes bytes on to a port of this machine until told otherwise.

    ``delay`` is in seconds and holds up every chunk on its way to the server.
    """

    def __init__(self, target: int, delay: float = 0) -> None:
        self.delay = delay
        self._target = target
        self._silent = False
        self._links: list[_Link] = []
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.redis_url = f"redis://127.0.0.1:{self.port}/0"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def swallow(self) -> None:
        """From now on take bytes on every connection, old or new, and answer none of them."""
        with self._lock:
            self._silent = True
            for link in self._links:
                link.silent = True

    def heal(self) -> None:
        """Serve new connections again; swallowed ones stay silent for ever, and open."""
        with self._lock:
            self._silent = False

    def cut(self) -> None:
        """Close every connection; new ones are served."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            link.close()

    def close(self) -> None:
        """Stop for good."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with self._lock:
                self._links.append(_Link(self, client, self._silent, self._target))


class _Link:
    """One connection and, unless it was silent from the start, its other half."""

    def __init__(self, proxy: Proxy, client: socket.socket, silent: bool, target: int) -> None:
        self.silent = silent
        self._proxy = proxy
        self._sockets = [client]
        if not silent:
            try:
                self._sockets.append(socket.create_connection(("127.0.0.1", target), 5))
            except OSError:
                client.close()
                return
            self._sockets[1].settimeout(None)
        pairs = [(client, self._sockets[-1]), (self._sockets[-1], client)]
        for source, sink in pairs[: len(self._sockets)]:
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(CHUNK):
                if source is self._sockets[0]:
                    time.sleep(self._proxy.delay)
                if not self.silent:
                    sink.sendall(chunk)
        if not self.silent:  # a silent path does not carry the news of an end either
            self.close()

    def close(self) -> None:
        """Close both ends, so that readers wake up."""
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
