"""One statement in a transaction of its own: none stays open while a network is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import update

from app.db import db, rows_changed

_OPTIONS = {"synchronize_session": False}


def change(table: Any, *conditions: Any, **values: Any) -> bool:
    """Update the rows that meet the conditions, and commit; False when there were none."""
    changed = rows_changed(update(table).where(*conditions).values(values))
    db.session.commit()
    return bool(changed)


def value_of(statement: Any) -> Any:
    """Return the first column of the first row, None without a row; commits."""
    value = db.session.scalar(statement, execution_options=_OPTIONS)
    db.session.commit()
    return value


def rows_of(statement: Any) -> Sequence[Any]:
    """Return all rows of a statement that names single columns; commits."""
    rows = db.session.execute(statement, execution_options=_OPTIONS).all()
    db.session.commit()
    return rows
