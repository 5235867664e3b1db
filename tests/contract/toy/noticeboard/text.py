"""How the board counts text, and how notices are compared."""

from __future__ import annotations

from app.networks.base import Limits
from app.networks.text import allowed, clean, graphemes, refuse_too_long


def check(written: str, limits: Limits) -> None:
    """Raise TextProblem for a text that does not fit."""
    refuse_too_long(graphemes(allowed(written)), limits.characters)


def comparable(text: str) -> str:
    """Return the form in which what was sent and what the board shows are equal."""
    return clean(text)
