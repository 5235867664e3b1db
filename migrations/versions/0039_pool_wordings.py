"""Count how often each tweet of a pool got a slot: its wordings take turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.add_column(
        "pool_tweets", sa.Column("times", sa.Integer(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    with op.batch_alter_table("pool_tweets") as pool_tweets:
        pool_tweets.drop_column("times")
