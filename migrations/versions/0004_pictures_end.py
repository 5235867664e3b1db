"""Look now and then whether a picture is needed yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

pictures = sa.table(
    "pictures",
    sa.column("state", sa.String),
    sa.column("error_code", sa.String),
    sa.column("created_at", sa.BigInteger),
    sa.column("next_at", sa.BigInteger),
)


def upgrade() -> None:
    op.drop_index("pictures_processing", "pictures")
    _create_index("pictures_awake", "next_at IS NOT NULL")
    ready = sa.update(pictures).where(pictures.c.state == "ready")
    op.execute(ready.values(next_at=pictures.c.created_at))


def downgrade() -> None:
    past = sa.update(pictures).where(pictures.c.state == "past")
    op.execute(past.values(state="refused", error_code="picture_gone"))
    op.execute(sa.update(pictures).where(pictures.c.state == "ready").values(next_at=None))
    op.drop_index("pictures_awake", "pictures")
    _create_index("pictures_processing", "state = 'processing'")


def _create_index(name: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, "pictures", ["next_at"], sqlite_where=where, postgresql_where=where)
