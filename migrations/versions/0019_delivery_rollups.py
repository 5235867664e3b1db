"""Keep what became of deliveries, by hour, day and month."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "delivery_rollups",
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=False),
        sa.Column("lateness", sa.JSON(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.Column("counted_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("period", "at", "network", name="pk_delivery_rollups"),
    )


def downgrade() -> None:
    op.drop_table("delivery_rollups")
