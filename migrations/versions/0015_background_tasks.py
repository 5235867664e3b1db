"""Background tasks are rows, and a worker says what it is and does."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

WORKER = (
    ("host", sa.String(), ""),
    ("pid", sa.Integer(), "0"),
    ("threads", sa.Integer(), "0"),
    ("memory_bytes", sa.BigInteger(), "0"),
    ("version", sa.String(), ""),
    ("processed", sa.Integer(), "0"),
    ("failed", sa.Integer(), "0"),
    ("stopping", sa.Boolean(), sa.false()),
)


def upgrade() -> None:
    op.create_table(
        "background_tasks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("every_s", sa.Integer()),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger()),
        sa.Column("owner", sa.String()),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("last_run_at", sa.BigInteger()),
        sa.Column("last_result", sa.String()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_background_tasks"),
    )
    _index("background_tasks_next_at", ["next_at"], "next_at IS NOT NULL")
    _index("background_tasks_periodic", ["kind", "subject"], "every_s IS NOT NULL", unique=True)
    _index("background_tasks_finished", ["finished_at"], "finished_at IS NOT NULL")
    with op.batch_alter_table("workers") as batch:
        batch.add_column(sa.Column("queues", sa.String()))
        for name, kind, usual in WORKER:
            batch.add_column(sa.Column(name, kind, nullable=False, server_default=usual))
    with op.batch_alter_table("workers") as batch:
        for name, _kind, _usual in WORKER:
            batch.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("workers") as batch:
        for name in ("queues", *(name for name, _kind, _usual in WORKER)):
            batch.drop_column(name)
    op.drop_table("background_tasks")


def _index(name: str, columns: list[str], where: str, unique: bool = False) -> None:
    only = sa.text(where)
    op.create_index(
        name,
        "background_tasks",
        columns,
        unique=unique,
        sqlite_where=only,
        postgresql_where=only,
    )
