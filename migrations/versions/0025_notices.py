"""Keep what people are told, how they want to be told, and when an access ends."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

ENDING = "connected AND health = 'ok' AND access_ends_at IS NOT NULL"


def upgrade() -> None:
    op.add_column(
        "users",
        sa.Column("unread_notices", sa.Integer(), nullable=False, server_default=sa.text("0")),
    )
    op.add_column("accounts", sa.Column("access_ends_at", sa.BigInteger(), nullable=True))
    op.add_column("accounts", sa.Column("access_checked_at", sa.BigInteger(), nullable=True))
    _index("accounts_ending", "accounts", ["access_ends_at"], ENDING)
    _create_notices()
    op.create_table(
        "notice_settings",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("wants_published", sa.Boolean(), nullable=False),
        sa.Column("digest_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notice_settings_user_id"),
        sa.PrimaryKeyConstraint("user_id", name="pk_notice_settings"),
    )
    _index("notice_settings_published", "notice_settings", ["user_id"], "wants_published")
    _index("notice_settings_digest_at", "notice_settings", ["digest_at"], "digest_at IS NOT NULL")
    progress = op.create_table(
        "notice_progress",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ended_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notice_progress"),
    )
    # Nobody is told what failed before there were notices.
    op.bulk_insert(progress, [{"id": 1, "ended_to": round(time.time() * 1000)}])


def _create_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("bell", sa.Boolean(), nullable=False),
        sa.Column("mail_at", sa.BigInteger(), nullable=True),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_notices_user_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_notices_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        sa.UniqueConstraint("key", name="uq_notices_key"),
    )
    _index("notices_listed", "notices", ["user_id", "id"], "bell")
    _index("notices_mail_at", "notices", ["mail_at"], "mail_at IS NOT NULL")
    _index("notices_access", "notices", ["account_id", "version"], "version IS NOT NULL")
    op.create_index("notices_at", "notices", ["at"])


def _index(name: str, table: str, columns: list[Any], only: str) -> None:
    where = sa.text(only)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for table in ("notice_progress", "notice_settings", "notices"):
        op.drop_table(table)
    op.drop_index("accounts_ending", "accounts")
    op.drop_column("accounts", "access_checked_at")
    op.drop_column("accounts", "access_ends_at")
    op.drop_column("users", "unread_notices")
