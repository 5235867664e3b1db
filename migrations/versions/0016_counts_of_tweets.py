"""Keep how many tweets of a person are in each tab."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

WANTED = sa.text("recount_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "tweet_counts",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("as_of", sa.BigInteger(), nullable=True),
        sa.Column("recount_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tweet_counts_user_id"),
        sa.PrimaryKeyConstraint("user_id", name="pk_tweet_counts"),
    )
    op.create_index(
        "tweet_counts_recount_at",
        "tweet_counts",
        ["recount_at"],
        sqlite_where=WANTED,
        postgresql_where=WANTED,
    )


def downgrade() -> None:
    op.drop_table("tweet_counts")
