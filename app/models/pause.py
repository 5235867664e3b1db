"""What operators have paused: nothing of it is begun until somebody ends the pause."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Row,
    Select,
    String,
    and_,
    cast,
    exists,
    or_,
    text,
)
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from app.db import BuiltStatement, UTCDateTime, db
from app.kinds import QUEUES
from app.models.account import Account
from app.models.indexes import partial_index
from app.models.user import User


class Scope(StrEnum):
    """What a pause is about; ``value`` says which one."""

    ALL = "all"
    NETWORK = "network"
    ACCOUNT = "account"
    QUEUE = "queue"


class Then(StrEnum):
    """How a pause ended, and so what becomes of the deliveries that it held."""

    UNDO = "undo"  # as if it had never been
    SEND = "send"  # each account's go out one after the other
    SHIFT = "shift"  # each goes out later by as long as the pause lasted
    DISCARD = "discard"  # they are cancelled


LASTING = text("ended_at IS NULL")
UNSETTLED = text("settled_at IS NULL")
"""These conditions are word for word those of the indexes, which hold the few that count."""


class Pause(db.Model):  # type: ignore[name-defined,misc]
    """One pause: it lasts until ``ended_at``, and holds deliveries until ``settled_at``."""

    __tablename__ = "pauses"
    __table_args__ = (
        partial_index("pauses_lasting", "scope", "value", where=LASTING, unique=True),
        partial_index("pauses_unsettled", "id", where=UNSETTLED),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str]
    value: Mapped[str] = mapped_column(default="")
    """The name of the network or queue, or the account's id; empty for everything."""
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    """The operator."""
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    undo_until: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    then: Mapped[str | None]
    settled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the deliveries that it held had become what ``then`` says."""
    audit_id: Mapped[int | None] = mapped_column(ForeignKey("operations_audit.id"))
    """The record of its end, which counts these deliveries."""

    user: Mapped[User] = relationship()


@cache
def _other() -> Any:
    """Return another row of the same table; made when all tables are known."""
    return aliased(Pause)


"""What is asked about inside of queries that may have a pause of their own."""


def holds_posts_of(paused: Any = Pause) -> ColumnElement[bool]:
    """Return the condition that a pause is about the posts of the query's Account."""
    return or_(
        paused.scope == Scope.ALL,
        and_(paused.scope == Scope.QUEUE, paused.value == "publish"),
        and_(paused.scope == Scope.NETWORK, paused.value == Account.network),
        and_(paused.scope == Scope.ACCOUNT, paused.value == cast(Account.id, String)),
    )


def is_paused(*but: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that a pause lasts for the posts of the query's Account."""
    return exists().where(LASTING, holds_posts_of(_other()), *but)


def is_paused_by_another_than(pause_id: int) -> ColumnElement[bool]:
    """Return the condition that the query's Account stays paused when this pause ends."""
    return is_paused(_other().id != pause_id)


def is_unsettled() -> ColumnElement[bool]:
    """Return the condition that a pause lasts for the query's Account, or is not settled yet."""
    return exists().where(UNSETTLED, holds_posts_of(_other()))


def lasting() -> Select[Any]:
    """Return the query for scope and value of all pauses that last."""
    return db.select(Pause.scope, Pause.value).where(LASTING)


def queues_in(pauses: Sequence[Row[Any]]) -> frozenset[str]:
    """Return the queues from which nothing is taken while these pauses last."""
    if any(row.scope == Scope.ALL for row in pauses):
        return frozenset(QUEUES)
    return frozenset(row.value for row in pauses if row.scope == Scope.QUEUE)


def lasting_now() -> Sequence[Any]:
    """Return scope and value of all pauses that last; leaves no transaction open."""
    return _lasting().read({})


def paused_queues() -> frozenset[str]:
    """Return the queues from which nothing is taken now."""
    return queues_in(lasting_now())


@cache
def _lasting() -> BuiltStatement:
    return BuiltStatement(lasting())
