"""Every network: threads, variants, pictures, and servers that keep apps of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

EMPTY_LIST = sa.text("'[]'")

NEW: dict[str, list[sa.Column]] = {
    "accounts": [
        sa.Column("avatar_url", sa.String(), nullable=False, server_default=""),
        sa.Column("limits", sa.JSON(), nullable=True),
        sa.Column("limits_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error_at", sa.BigInteger(), nullable=True),
        sa.Column("connected", sa.Boolean(), nullable=False, server_default=sa.true()),
    ],
    "tweets": [sa.Column("parts", sa.JSON(), nullable=False, server_default=EMPTY_LIST)],
    "deliveries": [
        sa.Column("parts", sa.JSON(), nullable=True),
        sa.Column("posted", sa.JSON(), nullable=False, server_default=EMPTY_LIST),
    ],
    "attempts": [sa.Column("part", sa.Integer(), nullable=False, server_default="0")],
}


def upgrade() -> None:
    for table, columns in NEW.items():
        for column in columns:
            op.add_column(table, column)
    _create_server_apps()
    _create_pictures()


def _create_server_apps() -> None:
    op.create_table(
        "mastodon_apps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("redirect_uri", sa.String(), nullable=False),
        sa.Column("app", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mastodon_apps"),
        sa.UniqueConstraint("server", "redirect_uri", name="uq_mastodon_apps_server_redirect_uri"),
    )


def _create_pictures() -> None:
    op.create_table(
        "pictures",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("error_code", sa.String(), nullable=True),
        sa.Column("mime", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("alt", sa.String(), nullable=False),
        sa.Column("claimed", sa.Boolean(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_pictures_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pictures"),
    )
    op.create_index("ix_pictures_user_id", "pictures", ["user_id"], unique=False)
    unclaimed = sa.text("NOT claimed")
    op.create_index(
        "pictures_unclaimed",
        "pictures",
        ["created_at"],
        sqlite_where=unclaimed,
        postgresql_where=unclaimed,
    )
    processing = sa.text("state = 'processing'")
    op.create_index(
        "pictures_processing",
        "pictures",
        ["next_at"],
        sqlite_where=processing,
        postgresql_where=processing,
    )
    op.create_table(
        "picture_files",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_picture_files"),
    )
    op.create_table(
        "uploads",
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("picture_id", sa.String(), nullable=False),
        sa.Column("reference", sa.JSON(), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name="fk_uploads_delivery_id"),
        sa.ForeignKeyConstraint(["picture_id"], ["pictures.id"], name="fk_uploads_picture_id"),
        sa.PrimaryKeyConstraint("delivery_id", "picture_id", name="pk_uploads"),
    )


def downgrade() -> None:
    for table in ("uploads", "picture_files", "pictures", "mastodon_apps"):
        op.drop_table(table)
    for table, columns in NEW.items():
        for column in columns:
            op.drop_column(table, column.name)
