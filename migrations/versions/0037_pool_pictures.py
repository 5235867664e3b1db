"""Keep the pictures of a pool's tweets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.add_column("pool_tweets", sa.Column("pictures", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("pool_tweets") as pool_tweets:
        pool_tweets.drop_column("pictures")
