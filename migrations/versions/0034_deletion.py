"""Keep when somebody's account is deleted, because they asked for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0032"

ASKED = sa.text("delete_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("users", sa.Column("delete_at", sa.BigInteger(), nullable=True))
    op.create_index(
        *("users_delete_at", "users", ["delete_at"]),
        sqlite_where=ASKED,
        postgresql_where=ASKED,
    )


def downgrade() -> None:
    op.drop_index("users_delete_at", "users")
    op.drop_column("users", "delete_at")
