"""The database: session, clock, column types, and many rows in one statement."""

from __future__ import annotations

from app.db.bulk import id_in, table_of, unindexed
from app.db.session import (
    EPOCH,
    EncryptedJSON,
    UTCDateTime,
    commit_and_keep,
    database_now,
    db,
    from_now,
    init_app,
    is_transient,
    read,
    retry_transient,
    rollback_quietly,
    rows_changed,
    spare_connection,
    utcnow,
)

__all__ = [
    "EPOCH",
    "EncryptedJSON",
    "UTCDateTime",
    "commit_and_keep",
    "database_now",
    "db",
    "from_now",
    "id_in",
    "init_app",
    "is_transient",
    "read",
    "retry_transient",
    "rollback_quietly",
    "rows_changed",
    "spare_connection",
    "table_of",
    "unindexed",
    "utcnow",
]
