"""Keep the times of the week of each account, and which of them a delivery got."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("slots", sa.JSON(), nullable=True))
    op.add_column("deliveries", sa.Column("slot_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("deliveries", "slot_at")
    op.drop_column("accounts", "slots")
