"""Runs the migrations on the app's own database connection."""

from __future__ import annotations

import sys

from alembic import context
from flask import current_app
from sqlalchemy.exc import DBAPIError

database = current_app.extensions["migrate"].db


def run() -> None:
    """Bring the database to the wanted version.

    :raises SystemExit: the database cannot be reached; one sentence says so.
    """
    try:
        connection = database.engine.connect()
    except DBAPIError as error:
        sys.exit(f"The database cannot be reached. Check DATABASE_URL.\n{error.orig}")
    with connection:
        context.configure(
            connection=connection, target_metadata=database.metadata, render_as_batch=True
        )
        with context.begin_transaction():
            context.run_migrations()


run()
