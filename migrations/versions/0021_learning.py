"""Keep what is read of accounts' past."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "learnings",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("needs_consent", sa.Boolean(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("pace", sa.Float(), nullable=False),
        sa.Column("last_run_at", sa.BigInteger(), nullable=True),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("error_detail", sa.String(), nullable=True),
        sa.Column("consented_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_learnings_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_learnings"),
    )
    op.create_table(
        "reading_lists",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("newest_id", sa.String(), nullable=True),
        sa.Column("news_cursor", sa.String(), nullable=True),
        sa.Column("news_id", sa.String(), nullable=True),
        sa.Column("back_cursor", sa.String(), nullable=True),
        sa.Column("back_done", sa.Boolean(), nullable=False),
        sa.Column("back_count", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("oldest_at", sa.BigInteger(), nullable=True),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["learnings.account_id"], name="fk_reading_lists_account_id_learnings"
        ),
        sa.PrimaryKeyConstraint("account_id", "kind", name="pk_reading_lists"),
    )
    _create_items()


def _create_items() -> None:
    op.create_table(
        "learned_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("remote_id", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("text_key", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("sort_at", sa.BigInteger(), nullable=False),
        sa.Column("likes", sa.BigInteger(), nullable=True),
        sa.Column("reposts", sa.BigInteger(), nullable=True),
        sa.Column("replies", sa.BigInteger(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_learned_items_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_learned_items"),
    )
    unique = ["account_id", "kind", "remote_id"]
    op.create_index("learned_items_remote", "learned_items", unique, unique=True)
    op.create_index("learned_items_list", "learned_items", ["account_id", "kind", "sort_at", "id"])
    op.create_index(
        "learned_items_text",
        "learned_items",
        ["account_id", "text_key"],
        sqlite_where=sa.text("text_key IS NOT NULL"),
        postgresql_where=sa.text("text_key IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("learned_items")
    op.drop_table("reading_lists")
    op.drop_table("learnings")
