"""Statements that are compiled once and then go straight to PostgreSQL's driver.

For a statement that is short to run, what SQLAlchemy does around it each time takes longer than the
driver and the database together: looking the text up, preparing parameters, describing the result.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import CompoundSelect, Engine, Insert, PoolProxiedConnection, Select, Update
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from app.db.session import db, read, run_built

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
        if db.session.registry.has() and db.session().in_transaction():
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
        engine = db.engine
        if _is_left_to_sqlalchemy(engine):
            rows = self.run(values)
            db.session.commit()
            return rows
        return self._execute_alone(engine, values)

    def _execute_alone(self, engine: Engine, values: Mapping[str, Any]) -> Sequence[Any]:
        connection = engine.raw_connection()
        try:
            rows = self._execute(engine, connection, values, alone=True)
        except BaseException:
            connection.invalidate()  # whoever gets it next must not find it without transactions
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

        :param alone: in no transaction; when this raises, the connection may be left so.
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
            raise DBAPIError.instance(
                text.sql,
                None,
                error,
                failures,
                hide_parameters=True,
                connection_invalidated=lost,
                dialect=dialect,
            ) from error
        return rows


class _Text:
    """What the driver gets of a statement."""

    def __init__(self, statement: Any, dialect: Dialect, names: Sequence[str]) -> None:
        compiled: Any = statement.compile(dialect=dialect, column_keys=names)
        self.sql = str(compiled)
        binds = {name: compiled.binds[name] for name in compiled.bind_names.values()}
        if any(bind.expanding for bind in binds.values()):
            raise ValueError("the length of a list would change the statement")
        into = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
            for name, bind in binds.items()
        }
        defaults = {column.key: column.default for column in compiled.prefetch}
        made = {key: default.arg for key, default in defaults.items() if default.is_callable}
        self._made = [(key, make, into[key]) for key, make in made.items()]
        said = {key: default.arg for key, default in defaults.items() if default.is_scalar}
        known = {name: bind.value for name, bind in binds.items() if not bind.required} | said
        self._fixed = {
            name: _without_class(into[name](value))
            for name, value in known.items()
            if name not in made
        }
        self._given = [(name, into[name]) for name, bind in binds.items() if bind.required]
        columns = statement.exported_columns
        self._out_of = [
            (place, processor)
            for place, column in enumerate(columns)
            if (processor := column.type.dialect_impl(dialect).result_processor(dialect, None))
        ]
        row: Any = namedtuple("Row", columns.keys(), rename=True)  # type: ignore[misc]
        self._made_row: Callable[[Sequence[Any]], Any] = row._make

    def rows(self, driver: Any, values: Mapping[str, Any]) -> Sequence[Any]:
        given = {name: into(values[name]) for name, into in self._given}
        made = {name: into(make(None)) for name, make, into in self._made}
        with driver.cursor() as cursor:
            cursor.execute(self.sql, {**self._fixed, **made, **given})
            if cursor.pgresult.nfields == 0:
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


def _as_it_is(value: Any) -> Any:
    return value


def _without_class(value: Any) -> Any:
    """Return a member of a StrEnum as its text: the driver would look at its class each time."""
    return str(value) if isinstance(value, str) else value


def _is_left_to_sqlalchemy(engine: Engine) -> bool:
    return engine.dialect.driver != "psycopg" or bool(engine._has_events)
