"""Reads a file of tweets, CSV or JSON, into rows; whether they can be published is not asked here.

What makes the whole file unreadable is a FileProblem. What is wrong with one row is kept with it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 5_000
MAX_ID = 190
"""Characters of a row's own id."""
COLUMNS = ("text", "when", "accounts", "id")
NEEDED = ("text", "when")
DELIMITERS = ",;\t"
BEFORE_JSON = " \t\r\n"


class FileProblem(ValueError):
    """The file cannot be read; ``code`` and ``params`` say why.

    Codes: ``file_empty``, ``file_encoding``, ``file_nul``, ``file_csv`` with ``line``,
    ``file_json`` with ``line``, ``file_shape``, ``file_columns`` with ``names``,
    ``file_column_twice`` with ``name``, ``file_rows`` with ``limit``, ``file_too_large``.
    """

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class RowProblem(ValueError):
    """A row cannot be read; ``field`` names what is wrong, ``code`` says why.

    Codes: ``row_cells`` (more cells than columns), ``row_type``, ``row_id``, ``row_pictures``,
    ``row_variants``, ``row_options``, ``row_account`` with ``name``, ``row_words`` (too many times
    in words), ``empty_time``.
    """

    def __init__(self, code: str, field: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.params = params


class GivenRow(NamedTuple):
    """One row as it stands in the file."""

    number: int
    """From 1; the header is none."""
    text: str = ""
    when: str = ""
    accounts: tuple[str, ...] = ()
    """As ``network:handle``, or a handle alone; none for the first account."""
    id: str | None = None
    parts: Sequence[Mapping[str, Any]] | None = None
    """``{"text"}`` of each part of a thread; JSON alone has them."""
    problem: RowProblem | None = None
    only_if_known: RowProblem | None = None
    """Why it can be recognized but not added: a file of rows brings no pictures."""


def read(data: bytes) -> list[GivenRow]:
    """Return the rows of a file, which says itself whether it is JSON or CSV.

    :raises FileProblem: it cannot be read.
    """
    if len(data) > MAX_BYTES:
        raise FileProblem("file_too_large", limit=MAX_BYTES // 1024**2)
    text = _decoded(data)
    begins = text.lstrip(BEFORE_JSON)[:1]
    rows = list(_json_rows(text) if begins in {"{", "["} and begins else _csv_rows(text))
    if not rows:
        raise FileProblem("file_empty")
    return rows


def _decoded(data: bytes) -> str:
    if not data.strip():
        raise FileProblem("file_empty")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileProblem("file_encoding") from None
    if "\0" in text:
        raise FileProblem("file_nul")
    return text


def _numbered(items: Iterator[Any]) -> Iterator[tuple[int, Any]]:
    """Count rows from 1.

    :raises FileProblem: there are too many.
    """
    for number, item in enumerate(items, start=1):
        if number > MAX_ROWS:
            raise FileProblem("file_rows", limit=MAX_ROWS)
        yield number, item


# CSV


def _csv_rows(text: str) -> Iterator[GivenRow]:
    delimiter = max(DELIMITERS, key=lambda one: len(_known(_header(text, one))))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records = _records(reader)
    places = _places(next(records, []))
    for number, cells in _numbered(records):
        width = max(places.values()) + 1
        if any(cells[max(width, places["*"] + 1) :]):
            yield GivenRow(number, problem=RowProblem("row_cells", "text"))
            continue
        found = {name: cells[at] if at < len(cells) else "" for name, at in places.items()}
        yield _row(number, found["text"], found["when"], found.get("accounts"), found.get("id"))


def _records(reader: Any) -> Iterator[list[str]]:
    """Return the records, without lines in which nothing stands: those are no rows.

    :raises FileProblem: the quotes do not fit.
    """
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield cells
    except csv.Error:
        raise FileProblem("file_csv", line=reader.line_num) from None


def _header(text: str, delimiter: str) -> list[str]:
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return next((cells for cells in reader if any(map(str.strip, cells))), [])
    except csv.Error:
        return []


def _known(header: Sequence[str]) -> list[str]:
    """Return the names in a header that mean something here; other columns are left alone."""
    names = [name.strip().lower() for name in header]
    return [name for name in names if name in COLUMNS]


def _places(header: Sequence[str]) -> dict[str, int]:
    """Return where each column stands, and under ``*`` where the last one of any name does.

    :raises FileProblem: one that is needed is missing, or one is there twice.
    """
    known = _known(header)
    if missing := [name for name in NEEDED if name not in known]:
        raise FileProblem("file_columns", names=", ".join(missing))
    if twice := [name for name in COLUMNS if known.count(name) > 1]:
        raise FileProblem("file_column_twice", name=twice[0])
    names = [name.strip().lower() for name in header]
    return {**{name: names.index(name) for name in known}, "*": len(header) - 1}


# JSON


def _json_rows(text: str) -> Iterator[GivenRow]:
    given = _parsed(text)
    items = given.get("tweets") if isinstance(given, dict) else given
    if not isinstance(items, list):
        raise FileProblem("file_shape")
    for number, item in _numbered(iter(items)):
        try:
            yield _of_object(number, item)
        except RowProblem as problem:
            yield GivenRow(number, problem=problem)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise FileProblem("file_json", line=error.lineno) from None
    except (ValueError, RecursionError):
        raise FileProblem("file_json", line=1) from None


def _no_number(_word: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are no JSON


def _of_object(number: int, item: Any) -> GivenRow:
    """Return a row of JSON.

    :raises RowProblem: something in it has not the right type.
    """
    if not isinstance(item, dict):
        raise RowProblem("row_type", "text")
    parts = item.get("parts") or None
    if parts is not None:
        _need(isinstance(parts, list) and all(map(_is_part, parts)), "parts")
    text = item.get("text")
    _need(isinstance(text or "", str), "text")
    when, accounts, own_id = item.get("when") or "", item.get("accounts") or "", item.get("id")
    _need(isinstance(when, str), "when")
    if isinstance(accounts, list):
        _need(all(isinstance(one, str) for one in accounts), "accounts")
        accounts = " ".join(accounts)
    _need(isinstance(accounts, str), "accounts")
    _need(own_id is None or (isinstance(own_id, str | int) and own_id is not True), "id")
    row = _row(number, text or "", when, accounts, None if own_id is None else str(own_id), parts)
    return row._replace(only_if_known=_brings_more(item, parts or ()))


def _need(condition: bool, field: str) -> None:
    if not condition:
        raise RowProblem("row_type", field)


def _is_part(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text") or "", str)


def _brings_more(item: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> RowProblem | None:
    """Return why a row that was exported cannot be added anew: it is more than its words."""
    if item.get("pictures") or any(part.get("pictures") for part in parts):
        return RowProblem("row_pictures", "pictures")
    if item.get("variants"):
        return RowProblem("row_variants", "variants")
    return RowProblem("row_options", "options") if item.get("options") else None


# Both


def _row(
    number: int,
    text: str,
    when: str,
    accounts: str | None,
    own_id: str | None,
    parts: Sequence[Mapping[str, Any]] | None = None,
) -> GivenRow:
    own_id = (own_id or "").strip() or None
    problem = None
    if own_id and (len(own_id) > MAX_ID or not own_id.isprintable()):
        problem = RowProblem("row_id", "id", limit=MAX_ID)
    names = tuple((accounts or "").replace(",", " ").split())
    return GivenRow(number, text, when.strip(), names, own_id, parts, problem)
