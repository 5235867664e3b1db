"""Apps of one connection alone, and an address of its own for each Mastodon server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "mastodon_connection_apps",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mastodon_connection_apps"),
    )
    op.create_index(
        "ix_mastodon_connection_apps_created_at", "mastodon_connection_apps", ["created_at"]
    )
    # Apps of the address that all servers shared: nobody is sent there any more.
    op.execute(sa.text("DELETE FROM mastodon_apps WHERE redirect_uri LIKE '%/callback'"))


def downgrade() -> None:
    op.drop_table("mastodon_connection_apps")
