"""Let SQLite be told which index to use: it keeps no statistics and takes the first that fits.

SQLAlchemy writes ``with_hint`` for other databases, and leaves it out for SQLite.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler


class _HintingCompiler(SQLiteCompiler):
    """Writes ``INDEXED BY`` behind the table."""

    def get_from_hint_text(self, table: Any, text: str | None) -> str | None:
        """Return the hint as it was given."""
        return text


def obey(engine: Engine) -> None:
    """Let the statements of an engine for SQLite have their hints."""
    engine.dialect.statement_compiler = _HintingCompiler
