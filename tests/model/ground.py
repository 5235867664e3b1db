"""The ground on which the model runs: the app, an empty database, and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from cryptography.fernet import Fernet
from sqlalchemy import event

import config
from app import create_app
from app.db import db, rollback_quietly
from tests.model.interruptions import Crash, Interruption, Interruptions
from tests.model.network import ModelNetwork
from tests.model.time import PostgresClock, Time
from tests.model.worker import ModelWorker
from tests.support.clocks import follow_clock
from tests.support.waiting import free_port

Result = TypeVar("Result")


class Ground:
    """What all examples of one run share."""

    def __init__(self, database_url: str) -> None:
        environ = {
            "APP_ENV": "test",
            "SECRET_KEY": "only for tests",
            "TOKEN_KEYS": Fernet.generate_key().decode(),
            "DATABASE_URL": database_url,
            "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",  # nobody: the model notifies
            "X_API_URL": "http://127.0.0.1:1",
        }
        postgres = database_url.startswith("postgres")
        self.seen: Counter[str] = Counter()
        self.clock = PostgresClock(database_url) if postgres else None
        self.time = Time(self.clock)
        self.app = create_app(config.load(environ))
        with self.app.app_context():
            self.interruptions = Interruptions(db.engine)
            event.listen(db.engine, "connect", _prepare)
        self.network = ModelNetwork(self.time, self.interruptions.at_a_call)
        self.app.extensions["networks"] = {"x": self.network}

    def saw(self, what: str) -> None:
        """Count what the examples came across."""
        self.seen[what] += 1

    def clear(self, skew: float, duplicates: bool) -> None:
        """Begin a new example."""
        with self.app.app_context():
            for table in reversed(db.metadata.sorted_tables):
                db.session.execute(table.delete())
            db.session.commit()
        self.network.forget(skew, duplicates)

    def worker(self) -> ModelWorker:
        """Start a worker."""
        with self.app.app_context():
            return ModelWorker(self.network, self.time)

    def do(
        self, work: Callable[[], Result], interruption: Interruption | None = None
    ) -> Result | None:
        """Do it in a session of its own; None when it crashed.

        What it had not committed is rolled back, as a database does when its client is gone.
        """
        with self.app.app_context(), self.interruptions.during(interruption):
            try:
                return work()
            except Crash:
                return None

    @contextmanager
    def rows(self) -> Iterator[Any]:
        """Look at the rows, undisturbed."""
        with self.app.app_context(), self.interruptions.during(None):
            yield db.session
            rollback_quietly()

    def close(self) -> None:
        """Give the machine its time back."""
        self.time.stop()
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        if self.clock is not None:
            self.clock.close()


def _prepare(connection: Any, _record: Any) -> None:
    """Read the model's clock, and do not wait for the disk: only clients crash here."""
    follow_clock(connection)
    lax = "synchronous_commit = off"
    connection.execute(f"SET {lax}" if hasattr(connection, "info") else "PRAGMA synchronous=OFF")
    connection.commit()
