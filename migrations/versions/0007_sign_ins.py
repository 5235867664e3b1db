"""Who is signed in where, what opens the door, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

UNIQUE = "uq_accounts_network_server_remote_id"
IDENTITY = ["network", "server", "remote_id"]
CONNECTED = sa.text("connected")

accounts = sa.table(
    "accounts",
    sa.column("id", sa.Integer),
    sa.column("user_id", sa.Integer),
    sa.column("network", sa.String),
    sa.column("remote_id", sa.String),
    sa.column("connected", sa.Boolean),
    sa.column("person_id", sa.String),
    sa.column("signs_in", sa.Boolean),
)


def upgrade() -> None:
    empty, no = sa.text("''"), sa.false()
    op.add_column(
        "accounts", sa.Column("person_id", sa.String(), nullable=False, server_default=empty)
    )
    op.add_column(
        "accounts", sa.Column("signs_in", sa.Boolean(), nullable=False, server_default=no)
    )
    _say_who_signs_in()
    _let_go_of_disconnected_accounts()
    _create_sessions()
    _create_audit_events()
    _create_pending_connections()
    _create_mastodon_servers()


def _say_who_signs_in() -> None:
    """A Page is shared, so it opens no door; of typed servers, only somebody's first account."""
    is_page = accounts.c.network == "facebook"
    op.execute(sa.update(accounts).where(~is_page).values(person_id=accounts.c.remote_id))
    others = accounts.alias()
    first = (
        sa.select(sa.func.min(others.c.id))
        .where(others.c.user_id == accounts.c.user_id, others.c.connected)
        .scalar_subquery()
    )
    opens = accounts.c.network.in_(["x", "bluesky"]) | (accounts.c.id == first)
    op.execute(
        sa.update(accounts).where(accounts.c.connected, ~is_page, opens).values(signs_in=sa.true())
    )


def _let_go_of_disconnected_accounts() -> None:
    """Whoever owns an account may connect it, also when somebody else has disconnected it."""
    if op.get_bind().dialect.name == "sqlite":
        # The table is made anew, and rows elsewhere go on naming its rows meanwhile.
        with op.get_context().autocommit_block():
            op.execute(sa.text("PRAGMA foreign_keys=OFF"))
        with op.batch_alter_table("accounts") as batch:
            batch.drop_constraint(UNIQUE, type_="unique")
        with op.get_context().autocommit_block():
            op.execute(sa.text("PRAGMA foreign_keys=ON"))
    else:
        op.drop_constraint(UNIQUE, "accounts", type_="unique")
    op.create_index(
        "accounts_connected",
        "accounts",
        IDENTITY,
        unique=True,
        sqlite_where=CONNECTED,
        postgresql_where=CONNECTED,
    )
    op.create_index("accounts_person", "accounts", ["network", "server", "person_id"])


def _create_sessions() -> None:
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("browser_hash", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("signed_in_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("noticed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_sessions_user_id"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_user_sessions_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user_sessions"),
        sa.UniqueConstraint("key_hash", name="uq_user_sessions_key_hash"),
    )
    op.create_index("ix_user_sessions_user_id", "user_sessions", ["user_id"])
    op.create_index("ix_user_sessions_seen_at", "user_sessions", ["seen_at"])


def _create_audit_events() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_audit_events_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )
    op.create_index("ix_audit_events_user_id_at", "audit_events", ["user_id", "at"])
    op.create_index("ix_audit_events_at", "audit_events", ["at"])


def _create_pending_connections() -> None:
    op.create_table(
        "pending_connections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("opened", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_pending_connections_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pending_connections"),
    )
    op.create_index("ix_pending_connections_user_id", "pending_connections", ["user_id"])
    op.create_index("ix_pending_connections_created_at", "pending_connections", ["created_at"])


def _create_mastodon_servers() -> None:
    op.create_table(
        "mastodon_servers",
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("checks_codes", sa.Boolean(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("url", name="pk_mastodon_servers"),
    )


def downgrade() -> None:
    tables = ("mastodon_servers", "pending_connections", "audit_events", "user_sessions")
    for table in tables:
        op.drop_table(table)
    op.drop_index("accounts_person", "accounts")
    op.drop_index("accounts_connected", "accounts")
    _keep_one_row_of_each_identity()
    if op.get_bind().dialect.name == "sqlite":
        with op.get_context().autocommit_block():
            op.execute(sa.text("PRAGMA foreign_keys=OFF"))
        with op.batch_alter_table("accounts") as batch:
            batch.create_unique_constraint(UNIQUE, IDENTITY)
        with op.get_context().autocommit_block():
            op.execute(sa.text("PRAGMA foreign_keys=ON"))
    else:
        op.create_unique_constraint(UNIQUE, "accounts", IDENTITY)
    op.drop_column("accounts", "signs_in")
    op.drop_column("accounts", "person_id")


def _keep_one_row_of_each_identity() -> None:
    """Rename disconnected rows that share their identity with others: deliveries name them."""
    others = accounts.alias()
    newer = sa.exists().where(
        others.c.network == accounts.c.network,
        others.c.remote_id == accounts.c.remote_id,
        others.c.id != accounts.c.id,
    )
    renamed = accounts.c.remote_id + " (disconnected " + sa.cast(accounts.c.id, sa.String) + ")"
    op.execute(sa.update(accounts).where(~accounts.c.connected, newer).values(remote_id=renamed))
