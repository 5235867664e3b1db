"""Drafts: what somebody is writing, kept before it is a tweet."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UTCDateTime, db, utcnow
from app.models.content import StoredPart

MAX_DRAFTS = 500
"""Of one person."""


class Draft(db.Model):  # type: ignore[name-defined,misc]
    """One unfinished tweet. Each change adds one to its version, and names the one it changes."""

    __tablename__ = "drafts"
    __table_args__ = (
        UniqueConstraint("user_id", "submit_id"),
        Index("ix_drafts_user_id_id", "user_id", "id"),
        # A page that is still open must not find another draft under an id that it knows.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    version: Mapped[int] = mapped_column(default=1)
    written: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What was typed, as it was typed: ``parts``, ``variants``, ``accounts``, ``options``,
    ``signature``, ``when`` and ``timezone``. JSON, because a draft is only ever read and written as
    a whole."""
    submit_id: Mapped[str | None]
    """Chosen by the client; a second request with the same id makes no second draft."""
    made_from: Mapped[str | None]
    """A digest of what came with that id: something else under the same id is refused."""
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utcnow)

    @property
    def parts(self) -> list[StoredPart]:
        """At least one ``{"text", "pictures"}``."""
        return self.written.get("parts") or [{"text": "", "pictures": []}]

    @property
    def variants(self) -> dict[int, list[StoredPart]]:
        """What single accounts say instead; ``pictures`` is None where they show the shared."""
        return {int(key): own for key, own in (self.written.get("variants") or {}).items()}

    @property
    def accounts(self) -> list[int]:
        """The ids of the chosen accounts; [] for the first one."""
        return self.written.get("accounts") or []

    @property
    def options(self) -> dict[str, Any]:
        """What networks offer beside the text, by account id."""
        return self.written.get("options") or {}

    @property
    def when(self) -> str:
        """The time in the words that were typed; "" for none."""
        return self.written.get("when") or ""

    @property
    def timezone(self) -> str:
        """The zone that the words were typed in, an IANA name; "" where it was not said."""
        return self.written.get("timezone") or ""

    @property
    def signature(self) -> int | str:
        """The id of a signature for all accounts, "none", or "" for what each has by default."""
        return self.written.get("signature") or ""


def own(user_id: int, draft_id: int) -> Draft | None:
    """Return a person's own draft as it is stored now; somebody else's does not exist."""
    mine = (Draft.id == draft_id, Draft.user_id == user_id)
    return db.session.scalar(
        db.select(Draft).where(*mine), execution_options={"populate_existing": True}
    )


def submitted(user_id: int, submit_id: str | None) -> Draft | None:
    """Return the draft that a person has stored with this submit id; None for no id."""
    mine = (Draft.user_id == user_id, Draft.submit_id == submit_id)
    return None if submit_id is None else db.session.scalar(db.select(Draft).where(*mine))


def listed(user_id: int, before: int | None, most: int) -> list[Draft]:
    """Return a person's drafts, the newest first.

    :param before: only those with smaller ids than this.
    """
    mine = [Draft.user_id == user_id] + ([] if before is None else [Draft.id < before])
    newest_first = db.select(Draft).where(*mine).order_by(Draft.id.desc())
    return list(db.session.scalars(newest_first.limit(most)))


def pictures_of(written: dict[str, Any]) -> list[list[str]]:
    """Return the pictures of every part that has some, the variants' own included."""
    variants = (written.get("variants") or {}).values()
    parts = [*(written.get("parts") or ()), *(part for own in variants for part in own)]
    return [part["pictures"] for part in parts if part["pictures"]]
