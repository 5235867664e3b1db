"""Encrypts stored values again with the first of TOKEN_KEYS, so that older keys can be removed.

Web and workers may run at the same time. A row changes only while it holds the text that was read,
so tokens refreshed at the same time are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import current_app
from sqlalchemy import Column, Row, Table, Text, tuple_, type_coerce

from app.accounts.transactions import change, rows_of, value_of
from app.db import EncryptedJSON, db, retry_transient

AT_A_TIME = 100


@dataclass
class Rewritten:
    """The result for all encrypted values."""

    rows: int = 0
    """Number of values that were encrypted with another key and now use the first one."""
    unreadable: list[str] = field(default_factory=list)
    """``table.column, key of the row`` of values that no key decrypts."""


def encrypted_columns() -> list[Column[Any]]:
    """Return every column of the database that holds something encrypted."""
    return [
        column
        for table in db.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, EncryptedJSON)
    ]


def reencrypt() -> Rewritten:
    """Encrypt every value again with the first of TOKEN_KEYS. May be repeated."""
    done = Rewritten()
    for column in encrypted_columns():
        for row in _rows_of(column):
            _rewrite(column, row, done)
    return done


def _rows_of(column: Column[Any]) -> Iterator[Row[Any]]:
    """Yield the key and the stored text of each row, in some transactions."""
    keys = _keys_of(column.table)
    stored = type_coerce(column, Text).label("stored")
    query = db.select(*keys, stored).where(column.is_not(None)).order_by(*keys).limit(AT_A_TIME)
    rows = retry_transient(partial(rows_of, query))
    while rows:
        yield from rows
        after = tuple_(*keys) > tuple_(*rows[-1][:-1])
        rows = retry_transient(partial(rows_of, query.where(after)))


def _keys_of(table: Table) -> list[Column[Any]]:
    return list(table.primary_key.columns)


def _rewrite(column: Column[Any], row: Row[Any], done: Rewritten) -> None:
    """Encrypt one value again; retry if another process changes it at the same time."""
    mine: dict[Column[Any], Any] = dict(zip(_keys_of(column.table), row[:-1], strict=True))
    stored: str | None = row.stored
    while stored is not None and not _is_under_first_key(stored):
        try:
            fresh = current_app.extensions["token_cipher"].rotate(stored.encode()).decode()
        except InvalidToken:
            names = ", ".join(f"{key.name} {value}" for key, value in mine.items())
            done.unreadable.append(f"{column.table.name}.{column.name}, {names}")
            return
        if retry_transient(partial(_swap, column, mine, stored, fresh)):
            done.rows += 1
            return
        stored = retry_transient(partial(_stored, column, mine))


def _is_under_first_key(stored: str) -> bool:
    try:
        Fernet(current_app.config["TOKEN_KEYS"][0]).decrypt(stored.encode())
    except InvalidToken:
        return False
    return True


def _swap(column: Column[Any], mine: Mapping[Column[Any], Any], old: str, new: str) -> bool:
    same = [key == value for key, value in mine.items()]
    is_old = type_coerce(column, Text) == old
    return change(column.table, *same, is_old, **{column.name: type_coerce(new, Text)})


def _stored(column: Column[Any], mine: Mapping[Column[Any], Any]) -> str | None:
    return value_of(db.select(type_coerce(column, Text)).where(*(key == mine[key] for key in mine)))
