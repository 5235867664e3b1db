"""TLS in front of a server that speaks none, with a certificate of an authority of its own."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from pathlib import Path

import trustme

CHUNK = 65_536


class TlsFront:
    """Listens on loopback, decrypts, and passes on to a port of this machine.

    ``authority`` is the file to trust, ``target`` the port; ``refusals`` counts who refused the
    certificate.
    """

    def __init__(self, folder: Path, target: int = 0, name: str = "127.0.0.1") -> None:
        own = trustme.CA()
        self.authority = folder / "authority.pem"
        own.cert_pem.write_to_path(str(self.authority))
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        own.issue_cert(name).configure_cert(self._context)
        self.target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        port = self._server.getsockname()[1]
        self.url = f"https://127.0.0.1:{port}"
        self.redis_url = f"rediss://127.0.0.1:{port}/0"
        self.refusals = 0
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
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        try:
            secure = self._context.wrap_socket(caller, server_side=True)
        except OSError:
            self.refusals += 1
            caller.close()
            return
        with (
            secure,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.target), 5) as server,
        ):
            _pass_on(secure, server)


def _pass_on(secure: ssl.SSLSocket, server: socket.socket) -> None:
    """Hand on what both say, in one thread: a TLS connection is not made for two."""
    while True:
        ready = [secure] if secure.pending() else select.select([secure, server], [], [])[0]
        for source, sink in ((secure, server), (server, secure)):
            if source in ready:
                chunk = source.recv(CHUNK)
                if not chunk:
                    return
                sink.sendall(chunk)
