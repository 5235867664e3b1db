"""Know which server answers for an account: each is spoken to by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("host", sa.String(), nullable=False, server_default=""))
    # Bluesky's are written among the credentials, which are encrypted: a refresh tells them.
    op.execute(sa.text("UPDATE accounts SET host = server"))


def downgrade() -> None:
    op.drop_column("accounts", "host")
