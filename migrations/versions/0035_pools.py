"""Keep pools: tweets that go out again and again, whenever a slot of their account is free."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.create_table(
        "pools",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("rest_s", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("submit_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_pools_user_id"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_pools_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pools"),
        sa.UniqueConstraint("user_id", "submit_id", name="uq_pools_user_id_submit_id"),
    )
    op.create_index("ix_pools_user_id_id", "pools", ["user_id", "id"])
    op.create_index("pools_next_at", "pools", ["next_at"])
    op.create_table(
        "pool_tweets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pool_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["pool_id"], ["pools.id"], name="fk_pool_tweets_pool_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pool_tweets"),
    )
    op.create_index("ix_pool_tweets_pool_id", "pool_tweets", ["pool_id"])


def downgrade() -> None:
    op.drop_table("pool_tweets")
    op.drop_table("pools")
