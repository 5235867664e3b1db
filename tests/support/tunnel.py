"""A proxy that leads to any server by CONNECT, as those of companies do."""

from __future__ import annotations

import socket
import threading

from tests.support.gate import pass_on
from tests.support.listener import Listener


class Tunnel(Listener):
    """Listens on loopback; ``asked`` holds the servers it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__()
        self.url = f"http://127.0.0.1:{self.port}"

    def serve(self, caller: socket.socket) -> None:
        """Lead one caller to the server that it asks for."""
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
