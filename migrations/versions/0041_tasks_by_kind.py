"""Find the next task of each kind by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    waiting = sa.text("next_at IS NOT NULL")
    op.create_index(
        "background_tasks_of_kind",
        "background_tasks",
        ["kind", "next_at"],
        postgresql_where=waiting,
        sqlite_where=waiting,
    )


def downgrade() -> None:
    op.drop_index("background_tasks_of_kind", "background_tasks")
