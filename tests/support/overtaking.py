"""Somebody changes rows that somebody else has read and is about to change; PostgreSQL only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from tests.support.waiting import wait_for
from tests.support.world import World


@contextmanager
def overtaken(
    world: World, url: str, decide_by_rows: Callable[[World], None], table: str
) -> Iterator[psycopg.Connection]:
    """Change rows of a table in here; who read them before wants to do so too, and comes later."""
    with psycopg.connect(url) as others:
        yield others
        sleeper = threading.Thread(target=decide_by_rows, args=(world,))
        sleeper.start()
        wait_for(lambda: updates_waiting(others, table) == 1, what="the late change")
        others.commit()
    sleeper.join()


def updates_waiting(connection: psycopg.Connection, table: str) -> int:
    """Return how many sessions wait to change a row of a table."""
    connection.execute("SELECT pg_stat_clear_snapshot()")  # else as this transaction saw it first
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND query LIKE %s"
    )
    row = connection.execute(query, (f"%UPDATE {table}%",)).fetchone()
    return int(row[0]) if row else 0
