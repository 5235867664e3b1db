"""Lets prepared statements of PostgreSQL outlive a rollback.

psycopg prepares what a connection executes often, and forgets all of it with each ROLLBACK: tables
that were made in a transaction are gone then. Here none is ever made in one, and each request that
only reads ends with a ROLLBACK. So nearly everything was parsed and planned anew each time.
"""

from __future__ import annotations

from typing import Any

from psycopg.pq import ExecStatus, TransactionStatus
from sqlalchemy import Engine

ENDED_SIMPLY = {TransactionStatus.INTRANS, TransactionStatus.INERROR}


def keep(engine: Engine) -> None:
    """Let this engine's connections roll back without psycopg's forgetting."""
    engine.dialect.do_rollback = _roll_back  # type: ignore[assignment,method-assign]


def _roll_back(connection: Any) -> None:
    """Roll back; what is not simple, and what fails, is left to psycopg."""
    driver = getattr(connection, "driver_connection", connection)
    status = driver.pgconn.transaction_status
    if status == TransactionStatus.IDLE:
        return
    is_simple = status in ENDED_SIMPLY
    if not is_simple or driver.pgconn.exec_(b"ROLLBACK").status != ExecStatus.COMMAND_OK:
        driver.rollback()
