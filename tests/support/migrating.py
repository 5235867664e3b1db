"""Moving the database of the current app to another version of its tables."""

from __future__ import annotations

import flask_migrate
from flask import current_app

from app import cli


def upgrade() -> None:
    """Move to the newest version."""
    cli.add_migrations(current_app._get_current_object())  # type: ignore[attr-defined]
    flask_migrate.upgrade()


def downgrade(revision: str) -> None:
    """Move back to a version."""
    cli.add_migrations(current_app._get_current_object())  # type: ignore[attr-defined]
    flask_migrate.downgrade(revision=revision)
