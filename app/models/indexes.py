"""Indexes of some of a table's rows, the same on PostgreSQL and on SQLite."""

from __future__ import annotations

from sqlalchemy import Index, text


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index of the rows that meet a condition.

    :param where: the condition, in SQL that both databases understand.
    """
    only = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=only, postgresql_where=only)
