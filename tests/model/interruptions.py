"""What happens between two statements: a crash, a lost connection, or everybody else's work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import InternalError, OperationalError


class Crash(BaseException):
    """The worker is gone: nobody catches this, nothing is cleaned up."""


class Kind(StrEnum):
    """What an interruption does."""

    CRASH = "crash"
    CUT = "the connection is cut before it"
    FAILED = "the statement fails, and would fail again"
    UNACKNOWLEDGED = "it is committed, and the connection cut before that is said"
    MEANWHILE = "others work"


@dataclass(frozen=True)
class Interruption:
    """Happens at the first fitting moment after ``skip`` others.

    Every statement, every commit and every call of the network is a moment.
    """

    kind: Kind
    skip: int
    meanwhile: Callable[[], None] = lambda: None


class Interruptions:
    """Watches an engine; interrupts one piece of work at a time."""

    def __init__(self, engine: Engine) -> None:
        self._next: Interruption | None = None
        self._skip = 0
        self._writing: set[int] = set()
        self.happened: Counter[str] = Counter()
        # Not at the cursor: there the app may have taken a lock already, for which others wait.
        event.listen(engine, "before_execute", self._before_statement)
        event.listen(engine, "before_cursor_execute", self._begins_to_write)
        event.listen(engine, "commit", self._before_commit)
        event.listen(engine, "checkin", self._given_back)
        event.listen(engine, "invalidate", self._given_back)
        event.listen(engine, "rollback", self._rolled_back)

    @contextmanager
    def during(self, interruption: Interruption | None) -> Iterator[None]:
        """Interrupt what is done in here."""
        outer = self._next, self._skip
        self._next, self._skip = interruption, interruption.skip if interruption else 0
        try:
            yield
        finally:
            self._next, self._skip = outer

    def at_a_call(self) -> None:
        """A call of the network is a moment like a statement."""
        self._moment({Kind.CRASH, Kind.MEANWHILE})

    def _before_statement(self, *_: Any) -> None:
        self._moment({Kind.CRASH, Kind.CUT, Kind.FAILED, Kind.MEANWHILE})

    def _begins_to_write(
        self, connection: Connection, _cursor: Any, statement: str, *_: Any
    ) -> None:
        if not statement.startswith("SELECT") or "FOR UPDATE" in statement:
            self._writing.add(id(connection.connection.dbapi_connection))

    def _before_commit(self, connection: Connection) -> None:
        real = connection.connection.dbapi_connection
        assert real is not None
        if self._comes({Kind.UNACKNOWLEDGED}):
            real.commit()
            self._writing.discard(id(real))
            raise OperationalError("COMMIT", {}, Exception("the connection was cut"))
        self._moment({Kind.CRASH, Kind.CUT})
        self._writing.discard(id(real))

    def _given_back(self, real: Any, *_: Any) -> None:
        self._writing.discard(id(real))

    def _rolled_back(self, connection: Connection) -> None:
        self._writing.discard(id(connection.connection.dbapi_connection))

    def _moment(self, kinds: set[Kind]) -> None:
        interruption = self._next
        if self._writing and interruption and interruption.kind == Kind.MEANWHILE:
            return  # others would wait for a lock until this one goes on
        if interruption is None or not self._comes(kinds):
            return
        if interruption.kind == Kind.CRASH:
            raise Crash
        if interruption.kind == Kind.CUT:
            raise OperationalError("", {}, Exception("the connection was cut"))
        if interruption.kind == Kind.FAILED:
            raise InternalError("", {}, Exception("the statement failed"))
        interruption.meanwhile()

    def _comes(self, kinds: set[Kind]) -> bool:
        """Count a moment; True when the interruption is to happen now."""
        if self._next is None or self._next.kind not in kinds:
            return False
        self._skip -= 1
        if self._skip >= 0:
            return False
        self.happened[self._next.kind] += 1
        self._next = None
        return True
