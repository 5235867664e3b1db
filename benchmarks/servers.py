"""What both apps run on: a real PostgreSQL, a real Valkey, the counting X, and processes."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import psycopg

from benchmarks.cpu import Meter
from tests.support.servers import Postgres, Valkey
from tests.support.waiting import free_port, listens, wait_for

ROOT = Path(__file__).resolve().parent.parent
OURS = ("X_", "REDIS_", "DATABASE_", "RATE_LIMIT_", "DYNO", "PORT")
"""Variables that must not come from the person's own environment."""


class CountingServer:
    """x_server.py, or another module like it, in a process of its own."""

    def __init__(self, machine: Machine, module: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", f"benchmarks.{module}", str(self.port)]
        self.process = machine.start(command, {})
        wait_for(lambda: listens(self.port), what=module)

    def ask(self, path: str, method: str = "GET", body: object = None) -> Any:
        """Return the decoded answer to one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


class Machine:
    """The servers; leaving the ``with`` block stops them and everything started here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.postgres = Postgres(folder / "postgres")
        self.valkey = Valkey(folder)

    def __enter__(self) -> Self:
        self.valkey.start()
        self.x = CountingServer(self, "x_server")
        info: Any = self.valkey.command("INFO", "server")
        self.redis_pid = int(info["process_id"])
        with psycopg.connect(self.postgres.url("postgres")) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        self.database_pid = int((Path(row[0]) / "postmaster.pid").read_text().split()[0])
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            self.stop(process)
        self.valkey.stop()
        self.postgres.close()

    def meter(self, *processes: subprocess.Popen[bytes]) -> Meter:
        """Measure these processes together with Redis and the database."""
        return Meter([*(p.pid for p in processes), self.redis_pid, self.database_pid])

    def start(
        self, command: list[str], environ: Mapping[str, str], log: str = "log"
    ) -> subprocess.Popen[bytes]:
        """Start a program in a process group of its own."""
        with (self.folder / log).open("ab") as file:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**clean_environ(), **environ},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Kill its group; whatever it was doing is thrown away with its database."""
        if process in self._processes:
            self._processes.remove(process)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def consumers(self) -> int:
        """Return how many workers wait for a message."""
        clients: Any = self.valkey.command("CLIENT LIST")
        return sum(client["cmd"] == "brpop" for client in clients)

    def messages_sent(self) -> int:
        """Return how often messages were sent to workers since Redis was reset.

        Pages send one at a time; schedulers, what is due at the same time with one command.
        """
        info: Any = self.valkey.command("INFO", "commandstats")
        return int(info.get("cmdstat_lpush", {}).get("calls", 0))

    def database_size(self, name: str, query: str) -> int:
        """Return the number that a query selects."""
        return int((self.numbers(name, query) or (0,))[0])

    def numbers(self, name: str, query: str) -> tuple[Any, ...]:
        """Return the one row that a query selects."""
        with psycopg.connect(self.postgres.url(name), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchone() or ()

    def checkpoint(self) -> None:
        """Let the database write out what it holds, so that it does not do so in a measure."""
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def clean_environ() -> dict[str, str]:
    """Return this process's environment without settings, its own Python first on the PATH."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(OURS)}
    programs = Path(sys.executable).parent
    return environ | {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def line_of_procfile(kind: str) -> str:
    """Return the command that the Procfile starts for a kind of process."""
    for line in (ROOT / "Procfile").read_text("utf-8").splitlines():
        name, _, command = line.partition(": ")
        if name == kind:
            return command
    raise LookupError(f"the Procfile has no {kind}")
