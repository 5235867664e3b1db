"""The database: session, clock, column types, and many rows in one statement."""

from __future__ import annotations

from app.db.built import BuiltStatement
from app.db.bulk import given_rows, id_in, table_given, table_of, unindexed
from app.db.search import parts_say, text_says
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
    moment_before,
    read,
    retry_transient,
    rollback_quietly,
    rows_changed,
    spare_connection,
    utcnow,
)

__all__ = [
    "EPOCH",
    "BuiltStatement",
    "EncryptedJSON",
    "UTCDateTime",
    "commit_and_keep",
    "database_now",
    "db",
    "from_now",
    "given_rows",
    "id_in",
    "init_app",
    "is_transient",
    "moment_before",
    "parts_say",
    "read",
    "retry_transient",
    "rollback_quietly",
    "rows_changed",
    "spare_connection",
    "table_given",
    "table_of",
    "text_says",
    "unindexed",
    "utcnow",
]
