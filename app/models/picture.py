"""Pictures of tweets, their bytes, and their ids at the networks."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, func, literal, update
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db, from_now, rows_changed, utcnow
from app.models.indexes import partial_index

MAX_PICTURES = 4
"""In one part of a tweet."""
MOVING = "image/gif"
"""The media type of pictures that move, and of no others: a GIF of one frame becomes a PNG."""

LOOK_AGAIN_AFTER = 86_400.0
"""Seconds until a worker looks again whether a picture is needed yet."""


class UnknownPicture(ValueError):
    """A picture is not the user's, was refused, or is gone."""


class TooManyPictures(ValueError):
    """More pictures than one part of a tweet may have."""


class PictureState(StrEnum):
    """How far a picture has come."""

    PROCESSING = "processing"  # stored as it came; a worker checks and re-encodes it
    READY = "ready"
    REFUSED = "refused"  # error_code says why
    PAST = "past"  # its tweets have ended; only the thumbnail is left


class PictureFacts(NamedTuple):
    """What is known about a picture when it is added to a tweet."""

    moves: bool
    described: int
    """Characters of its description."""
    size: int
    """Size in bytes; while it is processing, of the uploaded file."""


class Picture(db.Model):  # type: ignore[name-defined,misc]
    """One picture of one user."""

    __tablename__ = "pictures"
    __table_args__ = (
        Index("pictures_kept", "user_id", "state", "size", "thumb_size"),
        partial_index("pictures_to_make", "user_id", where="state = 'processing'"),
        partial_index("pictures_unclaimed", "created_at", where="NOT claimed"),
        partial_index("pictures_awake", "next_at", where="next_at IS NOT NULL"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: str(uuid.uuid4()))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    state: Mapped[str] = mapped_column(default=PictureState.PROCESSING)
    error_code: Mapped[str | None]
    mime: Mapped[str] = mapped_column(default="")
    """The media type of the result, once known; ``MOVING`` is known from the start."""
    width: Mapped[int] = mapped_column(default=0)
    height: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(default=0)
    """Size in bytes: first of the uploaded file, then of the result."""
    thumb_size: Mapped[int] = mapped_column(default=0)
    """Bytes of its thumbnail."""
    alt: Mapped[str] = mapped_column(default="")
    """What the picture shows, in words."""
    claimed: Mapped[bool] = mapped_column(default=False)
    """True when it belongs to a tweet; a picture that never does is deleted after a day."""
    next_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When a worker shall look: to begin with it, to begin again, or whether it is needed yet."""
    needed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    """When the first of its tweets is due, by which workers choose what they make next."""
    tries: Mapped[int] = mapped_column(default=0)
    """How often a worker started on it: a picture that crashes workers is refused in the end."""

    @classmethod
    def claim(
        cls,
        user_id: int,
        picture_ids: Sequence[str],
        known: Collection[str] = (),
        needed_at: datetime | None = None,
    ) -> None:
        """Let these pictures belong to one part of a tweet of theirs; commits nothing.

        :param known: those that the tweet has already.
        :param needed_at: when the tweet is due.
        :raises TooManyPictures: more than a part may have.
        :raises UnknownPicture: one is not the user's, was refused, or is gone.
        """
        if len(picture_ids) > MAX_PICTURES:
            raise TooManyPictures
        if len(_possible(picture_ids)) < len(picture_ids):
            raise UnknownPicture
        wanted = set(picture_ids).difference(known)
        usable = cls.state.in_((PictureState.PROCESSING, PictureState.READY))
        mine = update(cls).where(cls.id.in_(wanted), cls.user_id == user_id, usable)
        # A worker that is about to delete it checks that next_at is still as it was read.
        is_ready = cls.state == PictureState.READY
        later = db.case((is_ready, from_now(LOOK_AGAIN_AFTER)), else_=cls.next_at)
        values = {"claimed": True, "next_at": later, "needed_at": cls._sooner(needed_at)}
        if wanted and rows_changed(mine.values(values)) != len(wanted):
            raise UnknownPicture

    @classmethod
    def need(cls, user_id: int, picture_ids: Collection[str], needed_at: datetime) -> None:
        """Let pictures that are not made yet be made in time for a tweet; commits nothing."""
        unmade = (cls.user_id == user_id, cls.state == PictureState.PROCESSING)
        wanted = update(cls).where(cls.id.in_(picture_ids), *unmade)
        if picture_ids:
            rows_changed(wanted.values(needed_at=cls._sooner(needed_at)))

    @classmethod
    def _sooner(cls, moment: datetime | None) -> Any:
        """Return the sooner one of a moment and the one that is known, as far as there are any."""
        if moment is None:
            return cls.needed_at
        is_sooner = cls.needed_at.is_(None) | (cls.needed_at > moment)
        return db.case((is_sooner, literal(moment, UTCDateTime)), else_=cls.needed_at)

    @classmethod
    def facts_of(cls, user_id: int, picture_ids: Sequence[str]) -> dict[str, PictureFacts]:
        """Return by id what is known of these pictures of a user, processing or ready."""
        mine = (cls.id.in_(_possible(picture_ids)), cls.user_id == user_id)
        columns = (cls.id, cls.mime, func.length(cls.alt), cls.size)
        rows = db.session.execute(db.select(*columns).where(*mine))
        return {row[0]: PictureFacts(row[1] == MOVING, row[2], row[3]) for row in rows}


def _possible(picture_ids: Sequence[str]) -> list[str]:
    """Return those that can be ids at all: PostgreSQL fails on a NUL, and on half a pair."""
    return [name for name in picture_ids if isinstance(name, str) and name.isprintable()]


class PictureFile(db.Model):  # type: ignore[name-defined,misc]
    """The bytes of a picture, where no other place is configured for them."""

    __tablename__ = "picture_files"

    key: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Upload(db.Model):  # type: ignore[name-defined,misc]
    """A network's id of a picture that was uploaded for a delivery."""

    __tablename__ = "uploads"

    delivery_id: Mapped[str] = mapped_column(ForeignKey("deliveries.id"), primary_key=True)
    picture_id: Mapped[str] = mapped_column(ForeignKey("pictures.id"), primary_key=True, index=True)
    reference: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The value in the body of the create call; a resend must send the same one."""
    uploaded_at: Mapped[datetime] = mapped_column(UTCDateTime)
