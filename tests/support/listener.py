"""A server on loopback with a thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import threading


class Listener:
    """Listens on a free ``port`` and serves each caller until it is closed."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept nobody any more."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def serve(self, caller: socket.socket) -> None:
        """Serve one connection, in a thread of its own."""
        raise NotImplementedError

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                threading.Thread(target=self.serve, args=(caller,), daemon=True).start()
