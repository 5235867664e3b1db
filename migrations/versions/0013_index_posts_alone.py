"""Let the index of posts hold what is published, and not what has no id yet."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0013"
down_revision = "0012"

UNIQUE = "uq_deliveries_account_id_remote_id"
POSTS = ["account_id", "remote_id"]
KNOWN = sa.text("remote_id IS NOT NULL")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _make_anew(lambda batch: batch.drop_constraint(UNIQUE, type_="unique"))
    else:
        op.drop_constraint(UNIQUE, "deliveries", type_="unique")
    op.create_index(
        "deliveries_posts",
        "deliveries",
        POSTS,
        unique=True,
        sqlite_where=KNOWN,
        postgresql_where=KNOWN,
    )


def downgrade() -> None:
    op.drop_index("deliveries_posts", "deliveries")
    if op.get_bind().dialect.name == "sqlite":
        _make_anew(lambda batch: batch.create_unique_constraint(UNIQUE, POSTS))
    else:
        op.create_unique_constraint(UNIQUE, "deliveries", POSTS)


def _make_anew(change: Callable[[BatchOperations], None]) -> None:
    """Change a constraint on SQLite: the table is made anew, while others name its rows."""
    with op.get_context().autocommit_block():
        op.execute(sa.text("PRAGMA foreign_keys=OFF"))
    with op.batch_alter_table("deliveries") as batch:
        change(batch)
    with op.get_context().autocommit_block():
        op.execute(sa.text("PRAGMA foreign_keys=ON"))
