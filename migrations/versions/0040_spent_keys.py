"""Keep what came with an idempotency key, and keys whose things are gone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"

WITH_KEYS = ("tweets", "series", "pools")


def upgrade() -> None:
    for table in WITH_KEYS:
        op.add_column(table, sa.Column("made_from", sa.String(), nullable=True))
    op.create_table(
        "spent_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("submit_id", sa.String(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_spent_keys_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_spent_keys"),
    )
    op.create_index("spent_keys_submit_id", "spent_keys", ["user_id", "kind", "submit_id"])
    op.create_index("spent_keys_spent_at", "spent_keys", ["spent_at"])


def downgrade() -> None:
    op.drop_table("spent_keys")
    for table in reversed(WITH_KEYS):
        op.drop_column(table, "made_from")  # other tables point to these: no new one in their place
