"""Rows of built statements that become objects of the session.

For one or two rows, SQLAlchemy's own loading takes longer than the query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, inspect, select
from sqlalchemy.orm import InstrumentedAttribute, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from app.db import BuiltStatement, db

Mapped = TypeVar("Mapped")


class Attached(Generic[Mapped]):
    """The columns of a mapped class in a statement, and the object that a row of them is."""

    def __init__(self, mapped: type[Mapped]) -> None:
        self._mapped = mapped
        self._mapper = inspect(mapped)
        names = [one.key for one in self._mapper.column_attrs if not one.deferred]
        own = [column.key for column in self._mapper.primary_key]
        self.names = names
        self._key = [names.index(name) for name in own]
        self.columns: list[InstrumentedAttribute[Any]] = [getattr(mapped, name) for name in names]

    def is_there(self, values: Sequence[Any]) -> bool:
        """Return whether there is such a row: an outer join without one brings nulls."""
        return values[self._key[0]] is not None

    def object_of(self, values: Sequence[Any], **related: Any) -> Mapped:
        """Return the session's object of this row; one that it has already stays as it is.

        Deferred columns are loaded when somebody asks for them.

        :param values: those of ``columns``, in that order.
        :param related: what relationships of a new object hold.
        """
        key = self._mapper.identity_key_from_primary_key([values[place] for place in self._key])
        known: Mapped | None = db.session().identity_map.get(key)
        if known is not None:
            return known
        one = self._mapped()
        inspect(one).dict.update(zip(self.names, values, strict=True))
        for name, value in related.items():
            set_committed_value(one, name, value)
        make_transient_to_detached(one)
        db.session.add(one)
        return one


class AttachedQuery(Generic[Mapped]):
    """A query for objects of a mapped class that is built once, for what every page asks."""

    def __init__(self, mapped: type[Mapped], chosen: Callable[[Select[Any]], Select[Any]]) -> None:
        """Build it.

        :param chosen: adds conditions, with ``bindparam`` for what differs, and an order.
        """
        self._attached = Attached(mapped)
        self._statement = BuiltStatement(chosen(select(*self._attached.columns)))

    def objects(self, **values: Any) -> list[Mapped]:
        """Return the session's objects, in the session's transaction.

        :param values: the parameters.
        """
        return [self._attached.object_of(row) for row in self._statement.run(values)]
