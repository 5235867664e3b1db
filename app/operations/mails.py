"""Mails as operators see them: what they are and where they stand, never to whom they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.db import db
from app.models import Mail

PAGE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """Some mails, the newest first; ``next`` is the id before which the others are."""

    mails: Sequence[Any]
    next: int | None


def page(state: str | None = None, before: int | None = None) -> Page:
    """Return the newest mails, of those in a state and with a smaller id than ``before``."""
    columns = (
        Mail.id,
        Mail.kind,
        Mail.state,
        Mail.next_at,
        Mail.fence,
        Mail.message_id,
        Mail.error,
    )
    query = db.select(*columns).order_by(Mail.id.desc()).limit(PAGE + 1)
    if state is not None:
        query = query.where(Mail.state == state)
    if before is not None:
        query = query.where(Mail.id < before)
    found = db.session.execute(query).all()
    return Page(found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None)
