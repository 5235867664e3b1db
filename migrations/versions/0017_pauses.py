"""Keep what operators have paused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

LASTING = sa.text("ended_at IS NULL")
UNSETTLED = sa.text("settled_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "pauses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("undo_until", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("then", sa.String(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("audit_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_pauses_user_id"),
        sa.ForeignKeyConstraint(["audit_id"], ["operations_audit.id"], name="fk_pauses_audit_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pauses"),
    )
    lasting = {"sqlite_where": LASTING, "postgresql_where": LASTING}
    op.create_index("pauses_lasting", "pauses", ["scope", "value"], unique=True, **lasting)
    unsettled = {"sqlite_where": UNSETTLED, "postgresql_where": UNSETTLED}
    op.create_index("pauses_unsettled", "pauses", ["id"], **unsettled)


def downgrade() -> None:
    op.drop_table("pauses")
