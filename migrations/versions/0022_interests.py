"""Keep what people write about, and what they may write about next."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

STALE = sa.text("stale_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("users", sa.Column("hobbies", sa.String(), nullable=True))
    op.create_table(
        "interests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_interests_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_interests"),
    )
    op.create_index("interests_of", "interests", ["user_id", "kind", "key"], unique=True)
    op.create_table(
        "interest_states",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("stale_at", sa.BigInteger(), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("as_of", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_interest_states_user_id_users"),
        sa.PrimaryKeyConstraint("user_id", name="pk_interest_states"),
    )
    op.create_index(
        "interest_states_stale",
        "interest_states",
        ["stale_at"],
        sqlite_where=STALE,
        postgresql_where=STALE,
    )
    cursor = op.create_table(
        "sent_cursor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seen_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sent_cursor"),
    )
    op.bulk_insert(cursor, [{"id": 1, "seen_to": 0}])  # what was sent before counts, too
    _create_suggestions()


def _create_suggestions() -> None:
    op.create_table(
        "suggestions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("dismissed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_suggestions_user_id_users"),
        sa.PrimaryKeyConstraint("id", name="pk_suggestions"),
    )
    op.create_index("suggestions_of", "suggestions", ["user_id", "key"], unique=True)


def downgrade() -> None:
    op.drop_table("suggestions")
    op.drop_table("sent_cursor")
    op.drop_table("interest_states")
    op.drop_table("interests")
    op.drop_column("users", "hobbies")
