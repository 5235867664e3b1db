"""Keep avatars ourselves: pages ask nobody else for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("avatar", sa.LargeBinary(), nullable=True))
    op.add_column("accounts", sa.Column("avatar_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("accounts", "avatar_at")
    op.drop_column("accounts", "avatar")
