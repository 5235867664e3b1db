"""Programs of ours that start at once: forked from a process that has imported what they import.

A worker or a web process spends a second on imports, and hundreds of them are started. One process
imports it all once, starts no thread, and is divided for each program: the child becomes the leader
of a session of its own, takes its environment, and runs the module as ``python -m`` does.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet
from sqlalchemy.orm import configure_mappers

ROOT = Path(__file__).parents[2]
IMPORTED = (
    *("celery.__main__", "celery.bin.celery", "celery.bin.worker", "celery.apps.worker"),
    *("celery.concurrency.thread", "celery.worker.worker", "celery.worker.consumer"),
    *("celery.fixups.django", "celery.backends.redis", "celery.app.log", "celery.app.amqp"),
    *("kombu.transport.redis", "gunicorn.__main__", "gunicorn.app.wsgiapp", "gunicorn.arbiter"),
    *("app.server.worker", "psycopg", "flask.cli", "flask_migrate"),
    *("sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite"),
)
MAX_MESSAGE = 1 << 20
TOKEN_KEY = Fernet.generate_key().decode()
TEMPLATE_CACHE = str(ROOT / ".pytest_cache" / "templates")


class Forked:
    """A program that runs, with what a Popen has of it."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self._server = server
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None while it runs."""
        if self.returncode is None:
            self.returncode = self._server.ask({"poll": self.pid})["status"]
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended. Raises TimeoutExpired."""
        ends = time.monotonic() + (timeout or 3_600)
        while (status := self.poll()) is None:
            if time.monotonic() > ends:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.01)
        return status

    def send_signal(self, which: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, which)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The process that is divided; one for each process of tests."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        self._turn = Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.support.forking", str(theirs.fileno())],
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()

    def start(
        self, command: Sequence[str], folder: Path, environ: Mapping[str, str], *files: int
    ) -> Forked:
        """Run a module with its arguments.

        :param files: the one that takes what it says; or what it reads, says, and complains.
        """
        asked = {"command": list(command), "folder": str(folder), "environ": dict(environ)}
        return Forked(self, self.ask(asked, *files)["pid"])

    def run(
        self, command: Sequence[str], environ: Mapping[str, str], stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a module in the checkout to its end, as ``subprocess.run`` does."""
        with contextlib.ExitStack() as opened:
            files = [opened.enter_context(tempfile.TemporaryFile("w+")) for _ in range(3)]
            files[0].write(stdin)
            files[0].seek(0)
            process = self.start(command, ROOT, environ, *(file.fileno() for file in files))
            try:
                status = process.wait(120)
            finally:
                process.kill()
            for file in files:
                file.seek(0)
            _, said, complaints = (file.read() for file in files)
            return subprocess.CompletedProcess(list(command), status, said, complaints)

    def ask(self, asked: Mapping[str, Any], *files: int) -> dict[str, Any]:
        """Ask it for something, and return its answer."""
        with self._turn:
            given = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))]
            self._socket.sendmsg([json.dumps(asked).encode()], given if files else [])
            answer: dict[str, Any] = json.loads(self._socket.recv(MAX_MESSAGE))
            return answer

    def close(self) -> None:
        """End it, and what it started."""
        self._socket.close()
        self._process.wait(30)


@cache
def shared() -> ForkServer:
    """Return the one of this process of tests; it ends with it."""
    server = ForkServer()
    atexit.register(server.close)
    return server


def serve(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Divide this process for each program that is asked for, until nobody asks any more.

    :returns: in a child what it is to run, and its files.
    """
    for module in (*IMPORTED, *_ours()):
        importlib.import_module(module)
    _warm_up()
    gc.collect()
    gc.freeze()
    started: list[int] = []
    while True:
        message, files, _, _ = socket.recv_fds(channel, MAX_MESSAGE, 3)
        if not message:
            _end(started)
            return None
        asked = json.loads(message)
        answer = {"status": _status(asked["poll"])} if "poll" in asked else {}
        if "command" in asked:
            pid = os.fork()
            if pid == 0:
                channel.close()
                return asked, files
            for file in files:
                os.close(file)
            started.append(pid)
            answer["pid"] = pid
        channel.send(json.dumps(answer).encode())


def _ours() -> Iterator[str]:
    """Name all modules of the product, also those that it imports when they are first needed."""
    import app

    return (found.name for found in pkgutil.walk_packages(app.__path__, "app."))


def _warm_up() -> None:
    """Do now what pages do when they start."""
    from app.web.warming import TIMES
    from app.when import understand

    configure_mappers()
    for words in TIMES:
        understand(words, ZoneInfo("UTC"), datetime.now(UTC))


def _end(started: list[int]) -> None:
    """Kill what still runs: the tests are over, or were killed themselves."""
    for pid in started:
        if _status(pid) is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _status(pid: int) -> int | None:
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if found else None


def become(asked: Mapping[str, Any], files: Sequence[int]) -> None:
    """Run the module in this process, which is the child."""
    os.setsid()
    standard = (0, 1, 2) if len(files) == 3 else (1, 2)
    for number, file in zip(standard, files * 2, strict=False):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environ"])
    module, *words = asked["command"]
    sys.argv = [module, *words]
    sys.path[0] = asked["folder"]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    wanted = serve(socket.socket(fileno=int(sys.argv[1])))
    if wanted is not None:
        become(*wanted)
