"""Keep the page of an account as its server tells it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    column = sa.Column("profile_url", sa.String(), nullable=False, server_default=sa.text("''"))
    op.add_column("accounts", column)


def downgrade() -> None:
    op.drop_column("accounts", "profile_url")
