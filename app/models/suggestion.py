"""What may be written about next: what is shown beside the composer, and what "Surprise me" draws.

A worker makes these rows with a person's interests. They hold facts; the sentences are made when
somebody reads them, in their language. What a row is about may be gone or hidden by then, so
whoever reads joins it: there is no foreign key.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db


class SuggestionKind(StrEnum):
    """What a suggestion is drawn from."""

    INTEREST = "interest"
    POST = "post"
    LIKE = "like"
    HOBBY = "hobby"


class Reason(StrEnum):
    """Why something is suggested."""

    WEEKDAY = "weekday"  # its owner often writes about it on one day of the week
    OFTEN = "often"  # its owner often writes about it
    PINNED = "pinned"
    KNOWN = "known"  # it is one of its owner's interests
    WROTE = "wrote"  # an own post
    DID_WELL = "did_well"  # an own post, a while ago
    LIKED = "liked"
    HOBBY = "hobby"


class Suggestion(db.Model):  # type: ignore[name-defined,misc]
    """One thing to write about."""

    __tablename__ = "suggestions"
    __table_args__ = (Index("suggestions_of", "user_id", "key", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    key: Mapped[str]
    """What it is about: the same thing is suggested by the same row, and never again once it was
    dismissed."""
    kind: Mapped[str]
    """A SuggestionKind."""
    source_id: Mapped[int | None]
    """The Interest or the LearnedItem that it is about; None for a hobby."""
    label: Mapped[str]
    """Of an interest or a hobby; "" for what has words of its own."""
    reason: Mapped[str]
    """A Reason."""
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the sentence about the reason needs."""
    weight: Mapped[float]
    """How likely it is drawn among those of its kind; 0 for one that is only remembered."""
    rank: Mapped[int | None]
    """Its place in the list beside the composer, from 1; None for one that is only drawn."""
    dismissed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
