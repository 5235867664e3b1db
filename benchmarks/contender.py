"""What the measures need of an app: rows, a worker, pages."""

from __future__ import annotations

import os
import subprocess
from abc import ABC, abstractmethod
from datetime import datetime
from pathlib import Path

from benchmarks.servers import Machine, line_of_procfile
from tests.support.waiting import free_port, listens, wait_for

PROCESSES = min(2, os.cpu_count() or 1)
"""Worker processes of each app."""
KEYS = {
    "SECRET_KEY": "only for measuring, never for people",
    "X_CLIENT_ID": "bench",
    "X_CLIENT_SECRET": "secret",
}


class Contender(ABC):
    """An app on an empty database and an empty Redis."""

    name: str
    worker_command: str
    web_app: str
    jobs_table: str
    """The table whose rows publishing moves on."""
    done_query: str
    """Counts the tweets whose publication is recorded."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.database = ""
        self._template = ""
        self._port = free_port()
        self._running: list[subprocess.Popen[bytes]] = []

    @abstractmethod
    def make_tables(self) -> None:
        """Fill the empty database ``self.database`` with the app's tables."""

    @abstractmethod
    def store(self, count: int, accounts: int, due_at: datetime) -> None:
        """Store tweets of some new accounts, all due at one moment, the quickest way there is."""

    @abstractmethod
    def seconds_to_store(self, count: int) -> float:
        """Return how long ``store`` and what the worker does about it may take, generously."""

    @property
    def environ(self) -> dict[str, str]:
        """The settings of all processes."""
        return {
            **KEYS,
            "DATABASE_URL": self.machine.postgres.url(self.database),
            "REDIS_URL": self.machine.valkey.url,
            "X_API_URL": self.machine.x.url,
            "X_AUTHORIZE_URL": f"{self.machine.x.url}/authorize",
            "PORT": str(self._port),
            "WORKER_PROCESSES": str(PROCESSES),
        }

    def begin(self) -> None:
        """Make an empty database and empty Redis."""
        if not self._template:
            self.database = self._template = self.machine.postgres.create()
            self.make_tables()
        self.database = self.machine.postgres.create(self._template)
        self.machine.valkey.flush()
        self.machine.x.ask("/count", "DELETE")

    def end(self) -> None:
        """Stop the processes and throw the rows away."""
        for process in self._running:
            self.machine.stop(process)
        self._running.clear()
        self.machine.drop(self.database)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker; return when all its processes wait for messages."""
        process = self._start(self.worker_command, "worker")
        wait_for(lambda: self._waits(process), 60, f"the worker of {self.name}")
        return process

    def start_web(self) -> tuple[subprocess.Popen[bytes], str]:
        """Start the pages as the Procfile does, but on loopback; return their address too."""
        command = line_of_procfile("web").replace("0.0.0.0", "127.0.0.1")
        process = self._start(command.replace("app:create_app()", self.web_app), "web")
        wait_for(lambda: listens(self._port), 60, f"the pages of {self.name}")
        return process, f"http://127.0.0.1:{self._port}"

    def log(self, kind: str) -> Path:
        """Return the file that all processes of a kind, ``web`` or ``worker``, write to."""
        return self.machine.folder / f"{type(self).__name__.lower()}-{kind}.log"

    def recorded(self) -> int:
        """Return how many tweets are recorded as published."""
        return self.machine.database_size(self.database, self.done_query)

    def _start(self, command: str, kind: str) -> subprocess.Popen[bytes]:
        settings = {key: os.environ[key] for key in PASSED if key in os.environ}
        shell = ["sh", "-c", command]
        process = self.machine.start(shell, {**self.environ, **settings}, self.log(kind).name)
        self._running.append(process)
        return process

    def _waits(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: see {self.machine.folder}")
        return self.machine.consumers() >= PROCESSES


PASSED = ("WORKER_CONCURRENCY", "WEB_CONCURRENCY", "DATABASE_POOL_SIZE")
"""A person may try other values of these."""
