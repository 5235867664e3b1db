"""A port in front of a server where connections hang, half made, until it is opened."""

from __future__ import annotations

import contextlib
import socket
import threading


class Gate:
    """Closed, it completes no connection: callers wait before their first byte.

    Opened, the kernel completes even the connections of callers that are stopped meanwhile, and
    every byte is passed on.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._plugs: list[socket.socket] = []
        while self._plug():
            pass

    def open(self) -> None:
        """Let everybody through from now on."""
        self._server.listen(128)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _plug(self) -> bool:
        """Fill the queue of connections that wait for being accepted; False when it is full."""
        plug = socket.socket()
        plug.settimeout(0.2)
        try:
            plug.connect(self._server.getsockname())
        except TimeoutError:
            plug.close()
            return False
        self._plugs.append(plug)
        return True

    def _serve(self) -> None:
        for plug in self._plugs:
            plug.close()
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                answerer = socket.create_connection(("127.0.0.1", self._target))
                for source, sink in ((caller, answerer), (answerer, caller)):
                    threading.Thread(target=pass_on, args=(source, sink), daemon=True).start()


def pass_on(source: socket.socket, sink: socket.socket) -> None:
    """Hand on what one end says until it has said all, then close both."""
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
