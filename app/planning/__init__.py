"""What is planned and not a tweet yet: drafts."""

from __future__ import annotations

from app.planning import drafts
from app.planning.drafts import DraftGone, TooManyDrafts

__all__ = ["DraftGone", "TooManyDrafts", "drafts"]
