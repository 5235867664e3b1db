"""Keep series: tweets that come again by a rule, and which tweets they have made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

MADE = sa.text("series_id IS NOT NULL")
AWAKE = sa.text("next_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("rrule", sa.String(), nullable=False),
        sa.Column("start", sa.String(), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("contents", sa.JSON(), nullable=False),
        sa.Column("account_ids", sa.JSON(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("made_wall", sa.String(), nullable=True),
        sa.Column("made_number", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("submit_id", sa.String(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_series_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_series"),
        sa.UniqueConstraint("user_id", "submit_id", name="uq_series_user_id_submit_id"),
    )
    op.create_index("ix_series_user_id_id", "series", ["user_id", "id"])
    op.create_index(
        "series_next_at", "series", ["next_at"], sqlite_where=AWAKE, postgresql_where=AWAKE
    )
    # Without a foreign key: SQLite would have to make the table anew, and series keep their rows.
    op.add_column("tweets", sa.Column("series_id", sa.Integer(), nullable=True))
    op.add_column("tweets", sa.Column("occurrence", sa.BigInteger(), nullable=True))
    op.create_index(
        "tweets_series",
        "tweets",
        ["series_id", "occurrence"],
        unique=True,
        sqlite_where=MADE,
        postgresql_where=MADE,
    )


def downgrade() -> None:
    op.drop_index("tweets_series", "tweets")
    op.drop_column("tweets", "occurrence")
    op.drop_column("tweets", "series_id")
    op.drop_table("series")
