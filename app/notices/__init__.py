"""What people are told: found in the background, shown by pages, sent as mail. docs/notices.md."""

from __future__ import annotations

from app.notices import digests, settings, wording
from app.notices.checks import check_access
from app.notices.search import look

__all__ = ["check_access", "digests", "look", "settings", "wording"]
