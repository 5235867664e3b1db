"""TLS in front of a server that speaks none, with a certificate of an authority of its own."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
from pathlib import Path

import trustme

from tests.support.listener import Listener

CHUNK = 65_536


class TlsFront(Listener):
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
        self.refusals = 0
        super().__init__()
        self.url = f"https://127.0.0.1:{self.port}"
        self.redis_url = f"rediss://127.0.0.1:{self.port}/0"

    def serve(self, caller: socket.socket) -> None:
        """Serve one caller, in clear text towards the target."""
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
