"""Statements that are compiled once and then go straight to PostgreSQL's driver.

For a statement that is short to run, what SQLAlchemy does around it each time takes longer than the
driver and the database together: looking the text up, preparing parameters, describing the result.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any
from weakref import WeakKeyDictionary

from psycopg import RawCursor
from sqlalchemy import CompoundSelect, Engine, Insert, PoolProxiedConnection, Select, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from app.db.session import commit_and_keep, db, has_connection, read, run_built

Processor = Callable[[Any], Any]


class BuiltStatement:
    """A query or a change for what happens at nearly each request, and for nearly each tweet; its
    parameters have the same names each time.

    Its types do to parameters and results what they always do. SQLite, and an engine on which
    somebody listens to statements, get it through SQLAlchemy.
    """

    def __init__(self, statement: Select[Any] | CompoundSelect[Any] | Insert | Update) -> None:
        """Keep the statement; it must have no list of parameters whose length differs."""
        self._statement = statement
        self._texts: WeakKeyDictionary[Dialect, _Text] = WeakKeyDictionary()

    def read(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """Return the rows without a transaction, as ``read`` does; in the session's if it has one.

        :raises SQLAlchemyError: as always.
        """
        if has_connection():
            return self.run(values)
        engine = db.engine
        if _is_left_to_sqlalchemy(engine):
            return read(self._statement, values)  # type: ignore[arg-type]
        return self._execute_alone(engine, values)

    def run_alone(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """Commit what the session has, then execute this change in a transaction of its own.

        It begins and ends in the database with one message, so a process that is stopped in the
        middle leaves nothing locked.

        :raises SQLAlchemyError: as always.
        """
        db.session.commit()
        return self.run_and_commit(values)

    def run_and_commit(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """Execute this change and commit it, with what the session has; its objects stay as they
        are. That is one message to the database where the session has begun nothing there.

        :raises SQLAlchemyError: as always.
        """
        engine = db.engine
        if has_connection() or _is_left_to_sqlalchemy(engine):
            rows = self.run(values)
            commit_and_keep()
            return rows
        commit_and_keep()
        return self._execute_alone(engine, values)

    def _execute_alone(self, engine: Engine, values: Mapping[str, Any]) -> Sequence[Any]:
        dialect = engine.dialect
        try:
            connection = engine.raw_connection()
        except dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemys(error, dialect, lost=True) from error
        driver: Any = connection.driver_connection
        try:
            rows = self._execute(engine, connection, values, alone=True)
        except BaseException:
            if driver.autocommit:  # whoever gets it next must not find it without transactions
                connection.invalidate()
            raise
        finally:
            connection.close()
        return rows

    def run(self, values: Mapping[str, Any]) -> Sequence[Any]:
        """Execute it in the session's transaction; return its rows, none for a change that
        returns nothing.

        :raises SQLAlchemyError: as always.
        """
        engine = db.engine
        if _is_left_to_sqlalchemy(engine):
            result = run_built(self._statement, values)
            return result.all() if result.returns_rows else ()
        connection = db.session.connection()
        try:
            return self._execute(engine, connection.connection, values)
        except DBAPIError as error:
            if error.connection_invalidated:
                connection.invalidate(error)
            raise

    def _execute(
        self,
        engine: Engine,
        connection: PoolProxiedConnection,
        values: Mapping[str, Any],
        alone: bool = False,
    ) -> Sequence[Any]:
        """Return the rows.

        :param alone: in no transaction; when this raises, the connection may be left so, but not
            for a row that is refused: that happens at each double click.
        """
        dialect, driver = engine.dialect, connection.driver_connection
        text = self._texts.get(dialect)
        if text is None:
            text = self._texts[dialect] = _Text(self._statement, dialect, sorted(values))
        failures = dialect.loaded_dbapi.Error
        try:
            if not alone:
                return text.rows(driver, values)
            driver.autocommit = True  # type: ignore[union-attr]
            rows = text.rows(driver, values)
            driver.autocommit = False  # type: ignore[union-attr]
        except failures as error:
            lost = dialect.is_disconnect(error, connection, None)
            if alone and isinstance(error, dialect.loaded_dbapi.IntegrityError):
                driver.autocommit = False  # type: ignore[union-attr]
            raise _as_sqlalchemys(error, dialect, text.sql, lost=lost) from error
        return rows


def _as_sqlalchemys(error: Any, dialect: Dialect, sql: str = "", *, lost: bool) -> BaseException:
    """Return an error of the driver as SQLAlchemy raises it, without the statement's values.

    :param lost: the connection is.
    """
    return DBAPIError.instance(
        sql,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=dialect,
    )


class _Text:
    """What the driver gets of a statement."""

    def __init__(self, statement: Any, dialect: Dialect, names: Sequence[str]) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=names)
        self.sql = str(compiled)
        self._numbered, order = _numbered(self.sql)
        binds = {name: compiled.binds[name] for name in compiled.bind_names.values()}
        if any(bind.expanding for bind in binds.values()):
            raise ValueError("the length of a list would change the statement")
        defaults = {column.key: column.default for column in compiled.prefetch}
        made = {key: default.arg for key, default in defaults.items() if default.is_callable}
        said = {key: default.arg for key, default in defaults.items() if default.is_scalar}
        fixed = {name: bind.value for name, bind in binds.items() if not bind.required} | said
        self._places: list[Callable[[Mapping[str, Any]], Any]] = []
        for name in order:
            into = binds[name].type.dialect_impl(dialect).bind_processor(dialect)
            if name in made:
                self._places.append(_made_by(made[name], into or _as_it_is))
            elif name in fixed:
                value = into(fixed[name]) if into else fixed[name]
                self._places.append(_always(_without_class(value)))
            else:
                self._places.append(_given_as(name, into) if into else itemgetter(name))
        columns = statement.exported_columns
        self._out_of = [
            (place, processor)
            for place, column in enumerate(columns)
            if (processor := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]
        row: Any = namedtuple("Row", columns.keys(), rename=True)  # type: ignore[misc]
        self._made_row: Callable[[Sequence[Any]], Any] = row._make

    def rows(self, driver: Any, values: Mapping[str, Any]) -> Sequence[Any]:
        parameters = [place(values) for place in self._places]
        with RawCursor(driver) as cursor:
            cursor.execute(self._numbered, parameters)
            result = cursor.pgresult
            if result is None or result.nfields == 0:
                return ()
            return [self._row(found) for found in cursor.fetchall()]

    def _row(self, found: Sequence[Any]) -> Any:
        if not self._out_of:
            return self._made_row(found)
        values = list(found)
        for place, processor in self._out_of:
            if (value := values[place]) is not None:
                values[place] = processor(value)
        return self._made_row(values)


def _numbered(sql: str) -> tuple[bytes, list[str]]:
    """Return a statement with $1, $2 … for its named parameters, and their names in this order.

    So the driver need not read its text each time: it keeps what it has read of short ones only.
    """
    order: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        return f"${order.setdefault(name, len(order) + 1)}" if name else "%"

    text = re.sub(r"%(?:\((\w+)\)s|%)", number, sql)
    return text.encode(), list(order)


def _made_by(make: Callable[[Any], Any], into: Processor) -> Processor:
    return lambda _values: into(make(None))


def _always(value: Any) -> Processor:
    return lambda _values: value


def _given_as(name: str, into: Processor) -> Processor:
    return lambda values: into(values[name])


def _as_it_is(value: Any) -> Any:
    return value


def _without_class(value: Any) -> Any:
    """Return a member of a StrEnum as its text: the driver would look at its class each time."""
    return str(value) if isinstance(value, str) else value


def _is_left_to_sqlalchemy(engine: Engine) -> bool:
    return engine.dialect.driver != "psycopg" or bool(engine._has_events)
