"""Apps of one connection alone, and an address of its own for each Mastodon server."""

from __future__ import annotations

import time

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
    apps = sa.table("mastodon_apps", sa.column("redirect_uri", sa.String))
    op.execute(sa.delete(apps).where(apps.c.redirect_uri.endswith("/callback")))
    _say_who_has_answered()


def _say_who_has_answered() -> None:
    """Servers that accounts are connected at have shown that they answer."""
    accounts = sa.table(
        "accounts",
        sa.column("network", sa.String),
        sa.column("server", sa.String),
        sa.column("connected", sa.Boolean),
    )
    servers = sa.table(
        "mastodon_servers", sa.column("url", sa.String), sa.column("answered_at", sa.BigInteger)
    )
    url = sa.literal("https://") + accounts.c.server
    found = (
        sa.select(url, sa.literal(round(time.time() * 1000), sa.BigInteger))
        .where(accounts.c.network == "mastodon", accounts.c.server != "", accounts.c.connected)
        .where(url.not_in(sa.select(servers.c.url)))
        .distinct()
    )
    op.execute(servers.insert().from_select(["url", "answered_at"], found))


def downgrade() -> None:
    op.drop_table("mastodon_connection_apps")
