"""The model's time: it stands still, in the database and in this process, until told to pass.

So one seed gives one story, on however busy a machine.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol
from unittest import mock

import psycopg
import time_machine

BEGINNING = datetime(2026, 3, 1, 12, tzinfo=UTC)
STOPPED = """
CREATE SCHEMA model;
CREATE TABLE model.clock (now timestamptz NOT NULL);
INSERT INTO model.clock VALUES (now());
CREATE FUNCTION model.statement_timestamp() RETURNS timestamptz STABLE LANGUAGE sql
    AS 'SELECT now FROM model.clock';
"""


class DatabaseClock(Protocol):
    """A clock that stands still."""

    def set(self, now: datetime) -> None:
        """Show this moment from now on."""


class PostgresClock:
    """The clock of one PostgreSQL database, as every statement of the product reads it.

    Its function hides the built-in one, for sessions that begin from now on.
    """

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        name = self._connection.info.dbname
        self._connection.execute(STOPPED)
        path = f'ALTER DATABASE "{name}" SET search_path = model, pg_catalog, public'
        self._connection.execute(path.encode())
        self._connection.execute("SET synchronous_commit = off")

    def set(self, now: datetime) -> None:
        """Show this moment from now on."""
        self._connection.execute("UPDATE model.clock SET now = %s", [now])

    def close(self) -> None:
        """Leave the database as it is."""
        self._connection.close()


class Time:
    """Passes only when told to, or when somebody sleeps; it does not go back."""

    def __init__(self, database: DatabaseClock | None) -> None:
        self._database = database
        self._travel = time_machine.travel(BEGINNING, tick=False)
        self._process = self._travel.start()
        self._sleep = mock.patch("tenacity.nap.time.sleep", self.passes)
        self._sleep.start()
        self.ahead = 0.0
        self.passes(0)

    def now(self) -> datetime:
        """Return the present moment of the model."""
        return BEGINNING + timedelta(seconds=self.ahead)

    def passes(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self.ahead = round(self.ahead + seconds, 3)
        self._process.move_to(self.now(), tick=False)
        if self._database is not None:
            self._database.set(self.now())

    def stop(self) -> None:
        """Return to the machine's time."""
        self._sleep.stop()
        self._travel.stop()
