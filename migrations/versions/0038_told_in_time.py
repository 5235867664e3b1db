"""Remember that work was wanted again while it was done, and when networks said how long we may."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"

USABLE = sa.text("connected AND health = 'ok'")


def upgrade() -> None:
    again = sa.Column("again", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("background_tasks", again)
    op.add_column("accounts", sa.Column("access_end_asked_at", sa.BigInteger(), nullable=True))
    op.create_index(
        "accounts_access_ends",
        "accounts",
        ["network", "access_end_asked_at"],
        sqlite_where=USABLE,
        postgresql_where=USABLE,
    )


def downgrade() -> None:
    op.drop_index("accounts_access_ends", "accounts")
    op.drop_column("accounts", "access_end_asked_at")
    op.drop_column("background_tasks", "again")
