"""Keep what operators are told of, and count failures in a row of work at intervals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

FAILING = sa.text("failures >= 3")
OPEN = sa.text("over_at IS NULL")
WAITING = sa.text("next_at IS NOT NULL")


def upgrade() -> None:
    failures = sa.Column("failures", sa.Integer(), server_default="0", nullable=False)
    op.add_column("background_tasks", failures)
    failing = {"sqlite_where": FAILING, "postgresql_where": FAILING}
    op.create_index("background_tasks_failing", "background_tasks", ["kind"], **failing)
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("quiet_at", sa.BigInteger(), nullable=True),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    still_open = {"sqlite_where": OPEN, "postgresql_where": OPEN}
    op.create_index("alerts_open", "alerts", ["condition", "subject"], unique=True, **still_open)
    op.create_table(
        "alert_messages",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name="fk_alert_messages_alert_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_alert_messages"),
    )
    op.create_index("ix_alert_messages_alert_id", "alert_messages", ["alert_id"])
    waiting = {"sqlite_where": WAITING, "postgresql_where": WAITING}
    op.create_index("alert_messages_next_at", "alert_messages", ["next_at"], **waiting)
    op.create_table(
        "alert_watch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("lease_ends_at", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("worker_seen_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alert_watch"),
    )


def downgrade() -> None:
    for table in ("alert_watch", "alert_messages", "alerts"):
        op.drop_table(table)
    op.drop_index("background_tasks_failing", "background_tasks")
    op.drop_column("background_tasks", "failures")
