"""Indexes of some of a table's rows, the same on PostgreSQL and on SQLite."""

from __future__ import annotations

from sqlalchemy import Index, TextClause, text


def partial_index(name: str, *columns: str, where: str | TextClause, unique: bool = False) -> Index:
    """Return an index of the rows that meet a condition.

    :param where: the condition, in SQL that both databases understand.
    """
    only = text(where) if isinstance(where, str) else where
    return Index(name, *columns, unique=unique, sqlite_where=only, postgresql_where=only)
