"""Give people roles, find what operators look for, and keep what they did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

INDEXES = (
    (
        "deliveries_retries",
        ["next_at"],
        "state = 'scheduled' AND (attempts > 0 OR not_before > due_at)",
    ),
    ("deliveries_unpublished", ["state", "finished_at"], "state IN ('failed', 'cancelled')"),
    ("deliveries_stuck", ["due_at"], "state IN ('held', 'review')"),
)


def upgrade() -> None:
    op.add_column("users", sa.Column("role", sa.String(), nullable=True))
    for name, columns, condition in INDEXES:
        where = sa.text(condition)
        op.create_index(name, "deliveries", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "operations_audit",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("chosen", sa.JSON(), nullable=False),
        sa.Column("submit_id", sa.String(), nullable=True),
        sa.Column("matched", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_operations_audit_user_id"),
        sa.UniqueConstraint("user_id", "submit_id", name="uq_operations_audit_user_id_submit_id"),
    )


def downgrade() -> None:
    op.drop_table("operations_audit")
    for name, _columns, _condition in INDEXES:
        op.drop_index(name, "deliveries")
    op.drop_column("users", "role")
