"""Many ids or rows in one statement, whose SQL text is the same for any number of them.

They are passed as one JSON parameter. With a list of parameters, each length would be a different
statement, and building and planning those costs more than running them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    JSON,
    BindParameter,
    Boolean,
    ColumnElement,
    Text,
    and_,
    bindparam,
    cast,
    literal,
    literal_column,
    select,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from app import untrusted


class elements(FunctionElement[Any]):  # noqa: N801 (reads as SQL in statements)
    """The elements of a JSON array as rows with one column, ``value``."""

    inherit_cache = True
    name = "elements"


class _item(FunctionElement[str]):  # noqa: N801
    """One item of an element that is an array itself, as text."""

    type = Text()
    inherit_cache = True
    name = "item"


class _json_item(FunctionElement[Any]):  # noqa: N801
    """The same, as JSON; null is that of SQL."""

    type = JSON()
    inherit_cache = True
    name = "json_item"


class _IdList(TypeDecorator[list[str]]):
    """A list of texts as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return what the database takes."""
        array = dialect.name == "postgresql"
        return dialect.type_descriptor(ARRAY(Text) if array else JSON())


class _among(FunctionElement[bool]):  # noqa: N801
    """The condition that a text is in a list."""

    type = Boolean()
    inherit_cache = True
    name = "among"


class _among_selected(FunctionElement[bool]):  # noqa: N801
    """The condition that a value is among what a query of one column returns."""

    type = Boolean()
    inherit_cache = True
    name = "among_selected"


@compiles(elements, "postgresql")
def _elements_postgresql(element: elements, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"json_array_elements(CAST({compiler.process(element.clauses, **kwargs)} AS JSON))"


@compiles(elements, "sqlite")
def _elements_sqlite(element: elements, compiler: SQLCompiler, **kwargs: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kwargs)})"


@compiles(_item, "postgresql")
def _item_postgresql(element: _item, compiler: SQLCompiler, **kwargs: Any) -> str:
    value, index = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"({value} ->> {index})"


@compiles(_json_item, "postgresql")
def _json_item_postgresql(element: _json_item, compiler: SQLCompiler, **kwargs: Any) -> str:
    value, index = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"(CASE WHEN {value} ->> {index} IS NOT NULL THEN {value} -> {index} END)"


@compiles(_item, "sqlite")
@compiles(_json_item, "sqlite")
def _item_sqlite(element: _item | _json_item, compiler: SQLCompiler, **kwargs: Any) -> str:
    value, index = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"json_extract({value}, '$[{index}]')"


@compiles(_among, "postgresql")
def _among_postgresql(element: _among, compiler: SQLCompiler, **kwargs: Any) -> str:
    text, ids = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"({text} = ANY ((SELECT {ids})::TEXT[]))"


@compiles(_among, "sqlite")
def _among_sqlite(element: _among, compiler: SQLCompiler, **kwargs: Any) -> str:
    text, ids = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"({text} IN (SELECT value FROM json_each({ids})))"


@compiles(_among_selected, "postgresql")
def _selected_postgresql(element: _among_selected, compiler: SQLCompiler, **kwargs: Any) -> str:
    value, query = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"({value} = ANY (ARRAY{query}))"


@compiles(_among_selected, "sqlite")
def _selected_sqlite(element: _among_selected, compiler: SQLCompiler, **kwargs: Any) -> str:
    value, query = (compiler.process(clause, **kwargs) for clause in element.clauses)
    return f"({value} IN {query})"


def id_in(
    column: Any, ids: Iterable[str] | BindParameter[Any] | ColumnElement[Any]
) -> ColumnElement[bool]:
    """Return the condition that a column is one of these.

    :param ids: the ids, which are texts; or the parameter that names them in a statement that is
        built once; or a column of ``table_given``. Beside what it is joined to, that lets
        PostgreSQL begin with these ids: of tables without statistics it would read all for a join.
    """
    if isinstance(ids, BindParameter):
        return _among(column, bindparam(ids.key, type_=_IdList()))
    if isinstance(ids, ColumnElement):
        return _among_selected(column, select(ids).scalar_subquery())
    return _among(column, literal(list(ids), _IdList))


def unindexed(*conditions: Any) -> ColumnElement[bool]:
    """Return more conditions on rows that are already selected by their ids.

    They are written so that no index can be used for them. Statistics a minute old may say that
    hardly any row is due or claimed; the planner would then read all of those for a few ids.
    """
    return and_(*conditions).is_(True)


def table_of(
    name: str, columns: Mapping[str, TypeEngine[Any]], rows: Sequence[Sequence[Any]]
) -> CTE:
    """Return rows, whose items JSON can hold, as a table expression with these columns."""
    return _table(name, columns, literal(given_rows(rows), Text))


def table_given(name: str, columns: Mapping[str, TypeEngine[Any]]) -> CTE:
    """``table_of`` for a statement that is built once.

    Its rows are the parameter of the table's name: what ``given_rows`` returns for them.
    """
    return _table(name, columns, bindparam(name, type_=Text()))


def given_rows(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as one parameter."""
    return untrusted.stored(rows)


def _table(name: str, columns: Mapping[str, TypeEngine[Any]], rows: ColumnElement[Any]) -> CTE:
    found: Any = elements(rows).table_valued("value")
    items = [_typed_item(found.c.value, *place) for place in enumerate(columns.values())]
    labelled = [item.label(name) for item, name in zip(items, columns, strict=True)]
    return select(*labelled).select_from(found).cte(name)


def _typed_item(value: Any, index: int, type_: TypeEngine[Any]) -> ColumnElement[Any]:
    place: ColumnElement[Any] = literal_column(str(index))
    if isinstance(type_, JSON):
        return _json_item(value, place)
    return cast(_item(value, place), type_)
