"""The database handle, the clock and the column types; a leaf."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from cryptography.fernet import InvalidToken, MultiFernet
from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    Connection,
    CursorResult,
    Delete,
    Engine,
    Executable,
    MetaData,
    Row,
    Select,
    Text,
    Update,
    create_engine,
    event,
    literal,
    make_url,
    type_coerce,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from app import untrusted as words
from app.db import hints, prepared, preping

HAS_CONNECTION = "has_connection"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Result = TypeVar("Result")


class Base(DeclarativeBase):
    """What every model derives from."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)


def utcnow() -> datetime:
    """Return now by this process's clock, in UTC; deliveries use the database's clock instead."""
    return datetime.now(UTC)


class UTCDateTime(TypeDecorator[datetime]):
    """A moment, stored as milliseconds since 1970 in UTC; naive datetimes are refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Return milliseconds; raise ValueError for a naive datetime."""
        if value is None:
            return None
        if isinstance(value, int):
            return _in_range(value)
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        return _in_range((value - EPOCH) // timedelta(milliseconds=1))

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return an aware datetime in UTC."""
        return None if value is None else EPOCH + timedelta(milliseconds=_in_range(value))


FIRST_MS, LAST_MS = -62_135_510_400_000, 253_402_214_400_000
"""A day within the first and the last moment that a datetime can name, in any zone."""


def _in_range(milliseconds: int) -> int:
    """Return the nearest moment that can be stored and read again."""
    return min(LAST_MS, max(FIRST_MS, milliseconds))


class EncryptedJSON(TypeDecorator[dict[str, Any]]):
    """A dict kept as Fernet-encrypted JSON. The first of TOKEN_KEYS encrypts, any decrypts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Return the encrypted text."""
        return None if value is None else _cipher().encrypt(words.stored(value).encode()).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> dict[str, Any] | None:
        """Return the dict; empty when none of the keys fits any more."""
        if value is None:
            return None
        try:
            return json.loads(_cipher().decrypt(value.encode()))
        except InvalidToken:
            return {}  # the key is gone: an account without tokens asks for a reconnect


def _cipher() -> MultiFernet:
    return current_app.extensions["token_cipher"]


class from_now(FunctionElement[datetime]):  # noqa: N801 (reads as SQL in statements)
    """The database's clock plus some seconds, inside a statement."""

    type = UTCDateTime()
    inherit_cache = True
    name = "from_now"

    def __init__(self, seconds: float = 0) -> None:
        super().__init__(literal(round(seconds * 1000), BigInteger))


@compiles(from_now, "postgresql")
def _from_now_postgresql(element: from_now, compiler: SQLCompiler, **kwargs: Any) -> str:
    # statement_timestamp() and not clock_timestamp(): a volatile function would defeat the index.
    shift = compiler.process(element.clauses, **kwargs)
    return f"(CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT) + {shift})"


@compiles(from_now, "sqlite")
def _from_now_sqlite(element: from_now, compiler: SQLCompiler, **kwargs: Any) -> str:
    shift = compiler.process(element.clauses, **kwargs)
    return f"(CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + {shift})"


def moment_before(age_ms: Any) -> Any:
    """Return, inside a statement, the moment so many milliseconds ago on the database's clock."""
    return type_coerce(type_coerce(from_now(), BigInteger) - age_ms, UTCDateTime)


def database_now() -> datetime:
    """Return the database's clock."""
    now = db.session.scalar(db.select(from_now()))
    assert now is not None
    return now


def read(statement: Select[Any], values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    """Return a query's rows without a transaction, which saves its BEGIN and its end.

    Within a transaction of the session they are read there: whoever has one connection and waits
    for another could wait for somebody who does the same.
    """
    if has_connection():
        return db.session.connection().execute(statement, values).all()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return connection.execute(statement, values).all()


def has_connection() -> bool:
    """Return whether the session's transaction has begun in the database.

    A session that only knows objects is in a transaction, too, but holds no connection.
    """
    return db.session.registry.has() and HAS_CONNECTION in db.session().info


@event.listens_for(db.session, "after_begin")
def _note_connection(session: Session, _transaction: object, _connection: object) -> None:
    session.info[HAS_CONNECTION] = True


@event.listens_for(db.session, "after_transaction_end")
def _forget_connection(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(HAS_CONNECTION, None)


@contextmanager
def spare_connection() -> Iterator[Connection]:
    """Read on a connection outside the pool, as the pool may be exhausted; at most a second.

    :raises SQLAlchemyError: the database does not answer, or the rows are locked.
    """
    engine: Engine = current_app.extensions["spare_engine"]
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def commit_and_keep() -> None:
    """Commit new rows; their objects stay as they are instead of being read again."""
    session = db.session()
    session.expire_on_commit = False
    try:
        session.commit()
    finally:
        session.expire_on_commit = True


def rows_changed(statement: Update | Delete) -> int:
    """Execute a conditional UPDATE or DELETE and return how many rows it changed."""
    result = db.session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount


def run_built(statement: Executable, values: Mapping[str, Any]) -> CursorResult[Any]:
    """Execute a statement that was built once, in the session's transaction.

    For what is done for each tweet: to build a statement, and to let the session look at it, takes
    ten times as long as to execute it.
    """
    return db.session.connection().execute(statement, values)


def retry_transient(work: Callable[[], Result], seconds: float = 20) -> Result:
    """Run one transaction; retry while the database is unreachable (restart, lock, failover).

    ``work`` must be safe to repeat: its statements are guarded by state and fence.
    """
    for attempt in Retrying(
        retry=retry_if_exception(is_transient),
        stop=stop_after_delay(seconds),
        wait=wait_exponential(multiplier=0.1, max=2),
        reraise=True,
    ):
        with attempt:
            try:
                return work()
            except BaseException:
                rollback_quietly()
                raise
    raise AssertionError("unreachable")


TOO_MUCH = "54"
"""PostgreSQL's class of error codes for a value too large for an index or a row."""


def rollback_quietly() -> None:
    """Roll the session back; raise nothing even if its connection is lost."""
    if not db.session.registry.has():
        return  # no session was used
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session().invalidate()


def _leave() -> None:
    """Roll back what a request has not committed. Its objects go first: there may be many, and none
    needs to be told that it may be out of date.
    """
    if db.session.registry.has():
        db.session.expunge_all()
        rollback_quietly()


def is_transient(error: BaseException) -> bool:
    """True for an error of the connection or a lock, false for one of the statement itself."""
    if isinstance(error, PoolTimeout):
        return True
    state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    if state.startswith(TOO_MUCH):
        return False
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated
        or type(error).__name__ in {"OperationalError", "InterfaceError"}
    )


def init_app(app: Flask) -> None:
    """Bind the database to an app, tuned for several processes at once."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    _keep_to_its_owner(url, Path(app.instance_path))
    app.config.setdefault(
        "SQLALCHEMY_ENGINE_OPTIONS",
        _sqlite_options() if url.startswith("sqlite") else _postgresql_options(app.config),
    )
    db.init_app(app)
    # Before the extension ends the session itself: a connection that is lost after the last commit
    # must not turn an answer that was already made into an error.
    app.teardown_appcontext(lambda _error: _leave())
    with app.app_context():
        app.extensions["spare_engine"] = create_engine(
            db.engine.url, poolclass=NullPool, **_spare_options(url)
        )
        if url.startswith("sqlite"):
            hints.obey(db.engine)
            hints.obey(app.extensions["spare_engine"])
            event.listen(db.engine, "connect", _prepare_sqlite)
            event.listen(db.engine, "before_cursor_execute", _begin_before_writing)
        else:
            preping.watch(db.engine)
            prepared.keep(db.engine)


def _keep_to_its_owner(url: str, folder: Path) -> None:
    """Create the SQLite file privately; SQLite would let others read it. -wal and -shm follow it.

    An existing file is not changed: its owner may have given a group access on purpose.
    """
    database = make_url(url).database if url.startswith("sqlite") else None
    if database and database != ":memory:" and not database.startswith("file:"):
        with suppress(OSError):  # SQLite reports this error more clearly
            (folder / database).touch(mode=0o600)


def _sqlite_options() -> dict[str, Any]:
    return {
        "connect_args": {"timeout": 10},
        "hide_parameters": True,
        "json_serializer": words.stored,
    }


def _postgresql_options(config: dict[str, Any]) -> dict[str, Any]:
    """Return how to connect.

    What PostgreSQL supposes of reading a page by an index is of disks that turn: of a table
    without statistics it would rather read everything.
    """
    return {
        "hide_parameters": True,  # an error message must not carry a tweet or a token
        "json_serializer": words.stored,
        "pool_size": config["DATABASE_POOL_SIZE"],
        "max_overflow": 0,
        "pool_timeout": 10,
        "pool_recycle": 1800,
        "pool_use_lifo": True,  # what was used last is at hand: plans, caches
        "connect_args": {
            "connect_timeout": 3,
            "keepalives_idle": 10,
            "tcp_user_timeout": 10_000,
            "options": "-c statement_timeout=10000 -c lock_timeout=5000"
            " -c idle_in_transaction_session_timeout=10000 -c random_page_cost=1.1",
        },
    }


def _spare_options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 1}, "hide_parameters": True}
    words = "-c statement_timeout=1000 -c lock_timeout=1000"
    return {"connect_args": {"connect_timeout": 3, "options": words}, "hide_parameters": True}


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # NORMAL could lose a stored intent if power fails
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_before_writing(
    connection: Connection, cursor: Any, _statement: str, _values: Any, context: Any, _many: bool
) -> None:
    """Python's sqlite3 begins no transaction by itself for a write that starts with WITH."""
    writes = context.isinsert or context.isupdate or context.isdelete
    if writes and not cursor.connection.in_transaction:
        cursor.execute("BEGIN IMMEDIATE")
