"""Keep who shall see an account's posts, and when an app was last asked for anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    column = sa.Column("visibility", sa.String(), nullable=False, server_default=sa.text("''"))
    op.add_column("accounts", column)
    op.add_column("mastodon_apps", sa.Column("anew_at", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("mastodon_apps", "anew_at")
    op.drop_column("accounts", "visibility")
