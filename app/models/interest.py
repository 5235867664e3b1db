"""What a person's posts are about, as a worker has found it; and of whom it must look again.

Whatever changes what is known of a person calls ``stale``. A worker claims who has been stale for a
while, reads, and stores all of it in one transaction: so a worker that is killed leaves the person
stale, and of two that read the same person only the one that began last stores what it found.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import (
    ForeignKey,
    Index,
    Integer,
    Select,
    Update,
    bindparam,
    case,
    func,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db, from_now, rows_changed, table_of
from app.models.account import Account
from app.models.delivery import Delivery
from app.models.indexes import partial_index
from app.states import State

LEASE = 60.0
"""Seconds after which another worker looks at a person whose interests were never stored."""
MAX_READ = 1_000
"""Published deliveries that one look for newly sent tweets reads."""
SETTLING = 5.0
"""Seconds that a commit may take: what was sent that lately is looked at again."""


class InterestKind(StrEnum):
    """What an interest is."""

    HASHTAG = "hashtag"
    TOPIC = "topic"
    PHRASE = "phrase"
    PERSON = "person"


class Interest(db.Model):  # type: ignore[name-defined,misc]
    """Something that a person writes about, likes or follows."""

    __tablename__ = "interests"
    __table_args__ = (Index("interests_of", "user_id", "kind", "key", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    """An InterestKind."""
    key: Mapped[str]
    """What all ways of writing it share, such as a word's stem."""
    label: Mapped[str]
    """As it is written most often; with # or @ where it has one."""
    weight: Mapped[float]
    """Grows with how often, how lately and how successfully; 0 for one that is only remembered."""
    hidden: Mapped[bool] = mapped_column(default=False)
    """Its owner wants nothing of it."""
    pinned: Mapped[bool] = mapped_column(default=False)
    """Its owner wants it first."""


class InterestState(db.Model):  # type: ignore[name-defined,misc]
    """When the interests of a person were found, and whether that must be done again."""

    __tablename__ = "interest_states"
    __table_args__ = (
        partial_index("interest_states_stale", "stale_at", where="stale_at IS NOT NULL"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    stale_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """From when on a worker is to look again: at the end of its lease while one does; None for
    what is fresh."""
    changes: Mapped[int] = mapped_column(default=0)
    """Counts what has made it stale, so that a change during a look is noticed."""
    looks: Mapped[int] = mapped_column(default=0)
    """Counts looks: only the last one is stored."""
    as_of: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the last look that was stored began; None before the first."""


class SentCursor(db.Model):  # type: ignore[name-defined,misc]
    """Up to when published tweets have made their owners' interests stale; one row."""

    __tablename__ = "sent_cursor"

    id: Mapped[int] = mapped_column(primary_key=True)
    seen_to: Mapped[datetime] = mapped_column(UTCDateTime)


class Claimed(NamedTuple):
    """A person whose interests this worker finds now."""

    user_id: int
    looks: int
    changes: int
    began_at: datetime


_State = InterestState


def stale(user_id: int) -> None:
    """Let a worker find a person's interests anew, soon; commits nothing.

    Many changes in a row, such as the pages of an import, are one look every few seconds.
    """
    _make_stale([user_id])


def stale_by(account_id: int) -> None:
    """``stale`` for the owner of an account whose past has changed."""
    owner = db.session.scalar(select(Account.user_id).where(Account.id == account_id))
    if owner is not None:
        stale(owner)


def _make_stale(user_ids: Sequence[int]) -> None:
    dialect: Any = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    soon = from_now(current_app.config["INTERESTS_DELAY"] / 3)
    rows = [
        {"user_id": user_id, "stale_at": soon, "changes": 1, "looks": 0}
        for user_id in sorted(user_ids)
    ]
    changed = {
        "stale_at": func.coalesce(_State.stale_at, soon),
        "changes": _State.changes + 1,
    }
    insert = dialect.insert(_State).values(rows)
    db.session.execute(insert.on_conflict_do_update(index_elements=["user_id"], set_=changed))


def claim() -> Claimed | None:
    """Take whoever has been stale for longest; None for nobody. Commits."""
    due = (
        select(_State.user_id)
        .where(_State.stale_at <= from_now())
        .order_by(_State.stale_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claimed = (
        update(_State)
        .where(_State.user_id == due, _State.stale_at <= from_now())
        .values(stale_at=from_now(LEASE), looks=_State.looks + 1)
        .returning(_State.user_id, _State.looks, _State.changes, from_now())
        .execution_options(synchronize_session=False)
    )
    found = db.session.execute(claimed).one_or_none()
    db.session.commit()
    return Claimed(*found) if found else None


def settle(claimed: Claimed) -> bool:
    """Note that a look has ended, in the transaction that stores what it found.

    False when another look has begun since: nothing may be stored then. The row stays locked until
    the commit, so nobody else stores meanwhile.
    """
    again = from_now(current_app.config["INTERESTS_DELAY"] / 3)
    mine: Update = update(_State).where(
        _State.user_id == claimed.user_id, _State.looks == claimed.looks
    )
    values = {
        "stale_at": case((_State.changes == claimed.changes, None), else_=again),
        "as_of": claimed.began_at,
    }
    return bool(rows_changed(mine.values(values)))


def look_for_sent() -> None:
    """Make stale whoever has published something since the last look; commits.

    It goes through the published deliveries in the order in which they ended. Two workers may do
    it at once: they make the same people stale.
    """
    cursor = db.session.get(SentCursor, 1)
    if cursor is None:
        return
    ended = db.session.execute(_ended(), {"since": cursor.seen_to}).all()
    if owners := _owners_of({row.account_id: row.finished_at for row in ended}):
        _make_stale(owners)
    if len(ended) == MAX_READ:
        last: datetime = ended[-1].finished_at
        before = last - timedelta(milliseconds=1)  # others may have ended in the same one
        cursor.seen_to = before if before > cursor.seen_to else last
    else:
        settled = from_now(-SETTLING)
        rows_changed(update(SentCursor).where(SentCursor.seen_to < settled).values(seen_to=settled))
    db.session.commit()


def _ended() -> Select[Any]:
    columns: list[Any] = [Delivery.account_id, Delivery.finished_at]
    is_later = Delivery.finished_at > bindparam("since", type_=UTCDateTime())
    published = select(*columns).where(is_later, Delivery.state == State.PUBLISHED)
    return published.order_by(Delivery.finished_at).limit(MAX_READ)


def _owners_of(ended: dict[int, datetime]) -> list[int]:
    """Return whose interests are older than what they have published last.

    :param ended: when the last delivery of each account ended.
    """
    if not ended:
        return []
    sent = table_of("sent", {"account_id": Integer()}, [(one,) for one in sorted(ended)])
    columns: list[Any] = [Account.id, Account.user_id, _State.as_of]
    rows = db.session.execute(
        select(*columns)
        .join_from(sent, Account, Account.id == sent.c.account_id)
        .outerjoin(_State, _State.user_id == Account.user_id)
    )
    slack = timedelta(seconds=SETTLING)
    return sorted(
        {row.user_id for row in rows if row.as_of is None or row.as_of - slack <= ended[row.id]}
    )


_AS_OF = select(_State.as_of).where(_State.user_id == bindparam("user_id"))


def as_of(user_id: int) -> datetime | None:
    """Return when what is known of a person was found, None before the first time."""
    moment: datetime | None = db.session.scalar(_AS_OF, {"user_id": user_id})
    return moment


def listed(user_id: int) -> list[Interest]:
    """Return the interests of a person: pinned ones first, then the strongest; hidden ones last."""
    order = (Interest.hidden, Interest.pinned.desc(), Interest.weight.desc(), Interest.id)
    mine = select(Interest).where(Interest.user_id == user_id).order_by(*order)
    return list(db.session.scalars(mine))


def of_owner(user_id: int, interest_id: int) -> Interest | None:
    """Return one interest of a person; None for somebody else's."""
    mine = select(Interest).where(Interest.id == interest_id, Interest.user_id == user_id)
    found: Interest | None = db.session.scalar(mine)
    return found


def mark(interest: Interest, hidden: bool | None, pinned: bool | None) -> None:
    """Hide an interest, or pin it, or undo that; None leaves it as it is. Commits.

    What is hidden is not pinned, and the other way round.
    """
    if hidden is not None:
        interest.hidden = hidden
        interest.pinned = interest.pinned and not hidden
    if pinned is not None:
        interest.pinned = pinned
        interest.hidden = interest.hidden and not pinned
    db.session.commit()
