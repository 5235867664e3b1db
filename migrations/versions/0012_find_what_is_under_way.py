"""Find what is in flight, held or asked for without reading what only waits."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

IN_FLIGHT = "next_at IS NOT NULL AND (state <> 'scheduled' OR next_at > not_before)"
HELD = "state = 'held'"
INDEXES = (
    ("deliveries_in_flight", "deliveries", ["next_at"], IN_FLIGHT),
    ("deliveries_held", "deliveries", ["hold_reason", "account_id"], HELD),
    (
        "accounts_leaving",
        "accounts",
        ["id"],
        "NOT connected AND (health = 'ok' OR last_error_at IS NOT NULL)",
    ),
    ("accounts_limits", "accounts", ["limits_at"], "connected AND server <> ''"),
    ("accounts_avatars", "accounts", ["avatar_at"], "connected AND avatar_url <> ''"),
)


def upgrade() -> None:
    op.drop_index("deliveries_held", "deliveries")
    for index in INDEXES:
        _create_index(*index)


def downgrade() -> None:
    for name, table, _columns, _condition in INDEXES:
        op.drop_index(name, table)
    _create_index("deliveries_held", "deliveries", ["account_id"], HELD)


def _create_index(name: str, table: str, columns: Sequence[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
