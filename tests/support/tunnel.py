"""A proxy that leads to any server by CONNECT, as those of companies do."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.support.gate import pass_on


class Tunnel:
    """Listens on loopback; ``asked`` holds the servers it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take nobody any more."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                threading.Thread(target=self._lead, args=(caller,), daemon=True).start()

    def _lead(self, caller: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += caller.recv(65_536)
        method, name, _ = request.split(b" ", 2)
        assert method == b"CONNECT"
        self.asked.append(name.decode())
        host, _, port = name.decode().partition(":")
        try:
            server = socket.create_connection((host, int(port)))
        except OSError:
            caller.sendall(b"HTTP/1.1 502 Unknown\r\n\r\n")
            caller.close()
            return
        caller.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        for source, sink in ((caller, server), (server, caller)):
            threading.Thread(target=pass_on, args=(source, sink), daemon=True).start()
