"""Clocks that can be moved: a database's, and a process's. The machine's own stays as it is."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

SITE = '''"""Runs this process on a clock that is ahead by the seconds in a file, and follows it."""

import pathlib
import sqlite3
import threading
import time

import time_machine

FILE = pathlib.Path({file!r})
real_connect = sqlite3.connect


def connect(*args, **kwargs):
    connection = real_connect(*args, **kwargs)
    connection.create_function("julianday", -1, lambda *_: time.time() / 86400 + 2440587.5)
    return connection


def follow(traveller, ahead):
    while True:
        wanted = float(FILE.read_text() or ahead)
        if wanted != ahead:
            traveller.shift(wanted - ahead)
            ahead = wanted
        threading.Event().wait(0.05)


first = float(FILE.read_text())
traveller = time_machine.travel(time.time() + first, tick=True).start()
sqlite3.connect = sqlite3.dbapi2.connect = connect
threading.Thread(target=follow, args=(traveller, first), daemon=True).start()
'''

MOVABLE = """
CREATE SCHEMA moved;
CREATE TABLE moved.clock (ahead interval NOT NULL);
INSERT INTO moved.clock VALUES ('0');
CREATE FUNCTION moved.statement_timestamp() RETURNS timestamptz STABLE LANGUAGE sql
    AS 'SELECT pg_catalog.statement_timestamp() + ahead FROM moved.clock';
"""


class ProcessClock:
    """A clock for processes that are started with ``environ``; SQLite reads it as well."""

    def __init__(self, folder: Path, ahead: float = 0) -> None:
        self._file = folder / "ahead"
        folder.mkdir()
        self.set(ahead)
        (folder / "sitecustomize.py").write_text(SITE.format(file=str(self._file)))
        self.environ = {"PYTHONPATH": str(folder)}

    def set(self, ahead: float) -> None:
        """Be so many seconds ahead from now on; processes follow within a moment."""
        draft = self._file.with_suffix(".new")
        draft.write_text(str(ahead))
        draft.replace(self._file)


class PostgresClock:
    """The clock of one PostgreSQL database, as every statement of the product reads it.

    Its function hides the built-in one, for sessions that begin from now on.
    """

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        name = self._connection.info.dbname
        self._connection.execute(MOVABLE)
        path = f'ALTER DATABASE "{name}" SET search_path = moved, pg_catalog, public'
        self._connection.execute(path.encode())

    def set(self, ahead: float) -> None:
        """Be so many seconds ahead from now on."""
        self._connection.execute(
            "UPDATE moved.clock SET ahead = make_interval(secs => %s)", [ahead]
        )

    def close(self) -> None:
        """Leave the database as it is."""
        self._connection.close()


def follow_clock(connection: Any, now: Callable[[], float] = time.time) -> None:
    """Let a SQLite connection of this process read this clock, in seconds since 1970."""
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("julianday", -1, lambda *_: now() / 86400 + 2440587.5)
