"""Find what is held without reading what is not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    held = sa.text("state = 'held'")
    op.create_index(
        "deliveries_held",
        "deliveries",
        ["account_id"],
        sqlite_where=held,
        postgresql_where=held,
    )


def downgrade() -> None:
    op.drop_index("deliveries_held", "deliveries")
