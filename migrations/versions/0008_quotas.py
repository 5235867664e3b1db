"""Know what a person keeps, which picture is needed first, what ended when, and what to ask."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

FINISHED = sa.text("finished_at IS NOT NULL")
PROCESSING = sa.text("state = 'processing'")
KEPT = ["user_id", "state", "size", "thumb_size"]


def upgrade() -> None:
    op.add_column(
        "deliveries",
        sa.Column("asks_first", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    _say_when_everything_ended()
    op.create_index(
        "deliveries_finished",
        "deliveries",
        ["finished_at"],
        sqlite_where=FINISHED,
        postgresql_where=FINISHED,
    )
    op.add_column(
        "pictures", sa.Column("thumb_size", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("pictures", sa.Column("needed_at", sa.BigInteger(), nullable=True))
    _measure_thumbnails()
    op.drop_index("ix_pictures_user_id", "pictures")
    op.create_index("pictures_kept", "pictures", KEPT)
    op.create_index(
        "pictures_to_make",
        "pictures",
        ["user_id"],
        sqlite_where=PROCESSING,
        postgresql_where=PROCESSING,
    )
    op.create_index("ix_uploads_picture_id", "uploads", ["picture_id"])


def _say_when_everything_ended() -> None:
    op.execute(
        sa.text(
            "UPDATE deliveries SET finished_at = coalesce(accepted_at, due_at)"
            " WHERE finished_at IS NULL AND state IN ('published', 'failed', 'cancelled')"
        )
    )


def _measure_thumbnails() -> None:
    """Those in the database; elsewhere they count from the next one on."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    length = "length" if is_sqlite else "octet_length"
    op.execute(
        sa.text(
            f"UPDATE pictures SET thumb_size = coalesce((SELECT {length}(data) FROM picture_files"
            " WHERE key = 'thumb/' || pictures.id), 0)"
        )
    )


def downgrade() -> None:
    op.drop_index("ix_uploads_picture_id", "uploads")
    op.drop_index("pictures_to_make", "pictures")
    op.drop_index("pictures_kept", "pictures")
    op.create_index("ix_pictures_user_id", "pictures", ["user_id"])
    op.drop_column("pictures", "needed_at")
    op.drop_column("pictures", "thumb_size")
    op.drop_index("deliveries_finished", "deliveries")
    op.drop_column("deliveries", "asks_first")
