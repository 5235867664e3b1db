"""Keep presets: selections of accounts, signatures and sets of hashtags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "presets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("account_ids", sa.JSON(), nullable=False),
        sa.Column("submit_id", sa.String(), nullable=True),
        sa.Column("made_from", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_presets_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_presets"),
        sa.UniqueConstraint("user_id", "kind", "name_key", name="presets_name"),
        sa.UniqueConstraint("user_id", "kind", "submit_id", name="presets_submit_id"),
        # An account that still names a signature which is gone must not get another one.
        sqlite_autoincrement=True,
    )
    op.add_column("accounts", sa.Column("signature_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("accounts", "signature_id")
    op.drop_table("presets")
