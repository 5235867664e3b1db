"""Keeps the sandbox's records in SQLite, written behind the answers by one thread."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITE_EVERY = 0.1  # seconds; a SIGKILL loses at most about this much

SCHEMA = """CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID"""
UPSERT = "INSERT OR REPLACE INTO record (kind, key, body) VALUES (?, ?, ?)"


@dataclass(frozen=True)
class Change:
    """One record to write; no ``body`` empties the whole kind."""

    kind: str
    key: str
    body: str | None


class Store:
    """A table of JSON records by kind and key.

    ``put`` and ``empty`` only queue; one thread writes the queue in order, in one transaction.
    ``":memory:"`` keeps nothing.
    """

    def __init__(self, path: str) -> None:
        if path != ":memory:":
            Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(SCHEMA)
        self._queue: list[Change] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write_behind, name="store", daemon=True)
        self._thread.start()

    def records(self, kind: str) -> Iterator[dict[str, Any]]:
        """Every stored record of ``kind``, ordered by key."""
        query = "SELECT body FROM record WHERE kind = ? ORDER BY key"
        for (body,) in self._connection.execute(query, (kind,)).fetchall():
            yield json.loads(body)

    def put(self, kind: str, key: str, record: dict[str, Any]) -> None:
        """Queue ``record`` to be written over what ``kind`` and ``key`` name."""
        change = Change(kind, key, json.dumps(record))
        with self._lock:
            self._queue.append(change)

    def empty(self, kind: str) -> None:
        """Queue the removal of every record of ``kind``."""
        with self._lock:
            self._queue.append(Change(kind, "", None))

    def flush(self) -> None:
        """Write everything queued so far; returns when it is in the database."""
        with self._writing:
            with self._lock:
                changes, self._queue = self._queue, []
            if not changes:
                return
            with self._connection:
                for change in changes:
                    self._write(change)

    def close(self) -> None:
        """Write what is queued and let the file go."""
        self._stop.set()
        self._thread.join()
        self.flush()
        self._connection.close()

    def _write(self, change: Change) -> None:
        if change.body is None:
            self._connection.execute("DELETE FROM record WHERE kind = ?", (change.kind,))
        else:
            self._connection.execute(UPSERT, (change.kind, change.key, change.body))

    def _write_behind(self) -> None:
        while not self._stop.wait(WRITE_EVERY):
            self.flush()
