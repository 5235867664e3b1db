"""Keep the day on which a person's week begins, and find what is due in a span of time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

BEFORE = ("deliveries_account_state", ["account_id", "state"])
AFTER = ("deliveries_account_due", ["account_id", "state", "due_at"])


def upgrade() -> None:
    op.add_column("users", sa.Column("week_start", sa.Integer(), nullable=True))
    _replace(BEFORE, AFTER)


def downgrade() -> None:
    _replace(AFTER, BEFORE)
    op.drop_column("users", "week_start")


def _replace(old: tuple[str, list[str]], new: tuple[str, list[str]]) -> None:
    """Make an index before the one is dropped whose questions it answers, too."""
    op.create_index(new[0], "deliveries", new[1])
    op.drop_index(old[0], "deliveries")
