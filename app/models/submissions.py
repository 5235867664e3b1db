"""Idempotency keys: what came with one, whatever has become since of the thing that it made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ForeignKey, Index, delete, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db, from_now, rows_changed, utcnow

KEPT_FOR = 30 * 86_400.0
"""Seconds for which a key is known whose thing is gone."""


class SubmitIdReused(ValueError):
    """The submit id came with something else before, or what it made is gone."""


class SpentKey(db.Model):  # type: ignore[name-defined,misc]
    """A key whose thing was deleted: a request that is repeated late does not make it again."""

    __tablename__ = "spent_keys"
    __table_args__ = (
        Index("spent_keys_submit_id", "user_id", "kind", "submit_id"),
        Index("spent_keys_spent_at", "spent_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    """What it made; each kind of thing has keys of its own."""
    submit_id: Mapped[str]
    spent_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)


def digest_of(said: object) -> str:
    """Return a digest of what came with a key: anything that JSON can hold."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def refuse_others(made_from: str | None, said: str) -> None:
    """Refuse a key that came with something else; raises SubmitIdReused.

    :param made_from: the digest of what came with it first.
    :param said: the digest of what comes with it now.
    """
    if made_from != said:
        raise SubmitIdReused


def refuse_spent(user_id: int, kind: str, submit_id: str | None) -> None:
    """Refuse a key whose thing is gone; raises SubmitIdReused."""
    key = (SpentKey.user_id == user_id, SpentKey.kind == kind, SpentKey.submit_id == submit_id)
    if submit_id and db.session.scalar(select(SpentKey.id).where(*key).limit(1)) is not None:
        raise SubmitIdReused


def spend(user_id: int, kind: str, submit_ids: Iterable[str | None]) -> None:
    """Remember keys whose things are being deleted; commits nothing."""
    spent = [
        {"user_id": user_id, "kind": kind, "submit_id": one, "spent_at": utcnow()}
        for one in submit_ids
        if one
    ]
    if spent:
        db.session.execute(insert(SpentKey), spent)


def forget_old() -> int:
    """Delete keys that nobody repeats any more; commits, returns how many."""
    count = rows_changed(delete(SpentKey).where(SpentKey.spent_at < from_now(-KEPT_FOR)))
    db.session.commit()
    return count
