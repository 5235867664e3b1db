"""Know texts that were written before, numbers of posts, and best hours."""

from __future__ import annotations

import hashlib
import json
import time
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

KNOWN_MS = 90 * 86_400_000
"""What was due longer ago is no duplicate, so it needs no key."""
AT_A_TIME = 1_000


def upgrade() -> None:
    for table, owner in (("tweets", "user_id"), ("deliveries", "account_id")):
        op.add_column(table, sa.Column("text_key", sa.String(), nullable=True))
        _fill_keys(table, 0 if table == "tweets" else "")
        with_key = sa.text("text_key IS NOT NULL")
        op.create_index(
            f"{table}_text",
            table,
            [owner, "text_key"],
            sqlite_where=with_key,
            postgresql_where=with_key,
        )
    _create_tables()


TEXTS = {
    "tweets": "SELECT id, text, parts FROM tweets t WHERE due_at > :since OR EXISTS"
    " (SELECT 1 FROM deliveries d WHERE d.tweet_id = t.id AND d.finished_at IS NULL)",
    "deliveries": "SELECT id, '' AS text, parts FROM deliveries WHERE parts IS NOT NULL"
    " AND (due_at > :since OR finished_at IS NULL)",
}
"""Of what may be a duplicate: what was due in the last 90 days, and what waits still."""


def _fill_keys(table: str, before_all: int | str) -> None:
    """Give each text of a table its key, a thousand at a time."""
    connection = op.get_bind()
    rows = sa.text(
        f"SELECT * FROM ({TEXTS[table]}) AS texts WHERE id > :after ORDER BY id LIMIT :most"
    )
    store = sa.text(f"UPDATE {table} SET text_key = :key WHERE id = :id")
    since, after = round(time.time() * 1000) - KNOWN_MS, before_all
    while True:
        values = {"after": after, "since": since, "most": AT_A_TIME}
        found = connection.execute(rows, values).all()
        if not found:
            return
        after = found[-1].id
        connection.execute(store, [{"id": row.id, "key": _key(row)} for row in found])


def _key(row: Any) -> str | None:
    """Return what app/models/sameness.py returned when this was written."""
    parts = _read(row.parts) or [{"text": row.text}]
    words = "\n".join(part["text"] for part in parts)
    if not words.strip():
        return None
    plain = " ".join(unicodedata.normalize("NFC", words).casefold().split())
    plain = unicodedata.normalize("NFC", plain)
    return hashlib.blake2b(plain.encode(), digest_size=16).hexdigest()


def _read(stored: Any) -> Any:
    """SQLite gives JSON as text."""
    return json.loads(stored) if isinstance(stored, str) else stored


def _create_tables() -> None:
    op.create_table(
        "post_numbers",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("after_s", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("likes", sa.Integer(), nullable=True),
        sa.Column("reposts", sa.Integer(), nullable=True),
        sa.Column("replies", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name="fk_post_numbers_delivery_id"
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_post_numbers_account_id"),
        sa.PrimaryKeyConstraint("delivery_id", "after_s", name="pk_post_numbers"),
    )
    is_due = sa.text("due_at IS NOT NULL")
    op.create_index(
        "post_numbers_due",
        "post_numbers",
        ["due_at"],
        sqlite_where=is_due,
        postgresql_where=is_due,
    )
    op.create_table(
        "numbers_progress",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seen_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_numbers_progress"),
    )
    op.create_table(
        "best_hours",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("best", sa.JSON(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_best_hours_account_id"),
        sa.PrimaryKeyConstraint("account_id", name="pk_best_hours"),
    )
    op.create_index("best_hours_due", "best_hours", ["due_at"])


def downgrade() -> None:
    op.drop_table("best_hours")
    op.drop_table("numbers_progress")
    op.drop_table("post_numbers")
    for table in ("deliveries", "tweets"):
        op.drop_index(f"{table}_text", table)
        op.drop_column(table, "text_key")
