"""Keep people's e-mail addresses, links that prove them, and mails until they are sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "email_addresses",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("waiting", sa.String(), nullable=True),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_email_addresses_user_id"),
        sa.PrimaryKeyConstraint("user_id", name="pk_email_addresses"),
        sa.UniqueConstraint("address", name="uq_email_addresses_address"),
    )
    op.create_table(
        "email_links",
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_email_links_user_id"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_email_links"),
    )
    op.create_index("email_links_address", "email_links", ["address"])
    op.create_index("ix_email_links_expires_at", "email_links", ["expires_at"])
    op.create_table(
        "unsubscriptions",
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("recipient", "kind", name="pk_unsubscriptions"),
    )
    _create_mails()


def _create_mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("locale", sa.String(), nullable=True),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("data_at", sa.BigInteger(), nullable=True),
        sa.Column("in_doubt", sa.Boolean(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_mails_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
        sa.UniqueConstraint("key", name="uq_mails_key"),
    )
    waits = sa.text("next_at IS NOT NULL")
    op.create_index(
        "mails_next_at", "mails", ["next_at"], sqlite_where=waits, postgresql_where=waits
    )
    op.create_index("mails_state", "mails", ["state", "id"])
    op.create_index("ix_mails_user_id", "mails", ["user_id"])
    op.create_index("ix_mails_finished_at", "mails", ["finished_at"])


def downgrade() -> None:
    for table in ("mails", "unsubscriptions", "email_links", "email_addresses"):
        op.drop_table(table)
