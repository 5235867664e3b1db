"""Looking for words in texts, in upper or lower case, the same way on both databases.

``lower()`` knows no accents on SQLite, and on PostgreSQL only in some locales. So the letters of
our languages are named here, and the words are folded by the database itself, as the texts are.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, Text, exists, literal, literal_column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.db.bulk import elements

UPPER, LOWER = "ÁÉÍÓÚÜÑ", "áéíóúüñ"
_SPECIAL = re.compile(r"[%_/]")
"""What LIKE takes for something else, and its escape."""


class _folded(FunctionElement[str]):  # noqa: N801 (reads as SQL in statements)
    """A text in lower case."""

    type = Text()
    inherit_cache = True
    name = "folded"


class _text_of(FunctionElement[str]):  # noqa: N801
    """The text under ``"text"`` of a JSON object; NULL where there is none."""

    type = Text()
    inherit_cache = True
    name = "text_of"


@compiles(_folded, "postgresql")
def _folded_postgresql(element: _folded, compiler: SQLCompiler, **kwargs: Any) -> str:
    text = compiler.process(element.clauses, **kwargs)
    return f"translate(lower({text}), '{UPPER}', '{LOWER}')"


@compiles(_folded, "sqlite")
def _folded_sqlite(element: _folded, compiler: SQLCompiler, **kwargs: Any) -> str:
    folded = f"lower({compiler.process(element.clauses, **kwargs)})"
    for upper, lower in zip(UPPER, LOWER, strict=True):
        folded = f"replace({folded}, '{upper}', '{lower}')"
    return folded


@compiles(_text_of, "postgresql")
def _text_of_postgresql(element: _text_of, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"({compiler.process(element.clauses, **kwargs)} ->> 'text')"


@compiles(_text_of, "sqlite")
def _text_of_sqlite(element: _text_of, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **kwargs)}, '$.text')"


def text_says(text: Any, words: str) -> ColumnElement[bool]:
    """Return the condition that a text has these words in it."""
    plain = _SPECIAL.sub(r"/\g<0>", unicodedata.normalize("NFC", words))
    return _folded(text).like(_folded(literal(f"%{plain}%", Text)), escape="/")


def parts_say(parts: Any, words: str) -> ColumnElement[bool]:
    """Return the condition that a part in a JSON array has these words as its ``"text"``."""
    found: Any = elements(parts).table_valued("value")
    one: Any = select(literal_column("1")).select_from(found)
    return exists(one.where(text_says(_text_of(found.c.value), words)))
