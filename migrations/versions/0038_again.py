"""Remember that work at intervals was wanted again while it was being done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0035"


def upgrade() -> None:
    again = sa.Column("again", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("background_tasks", again)


def downgrade() -> None:
    op.drop_column("background_tasks", "again")
