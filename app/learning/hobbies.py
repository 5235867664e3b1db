"""Hobbies: words that people type in the settings, with commas between them."""

from __future__ import annotations

import re

from app.untrusted import UNREADABLE, fit_text

MAX_HOBBIES = 20
MAX_CHARACTERS = 40
"""Of one hobby."""
MAX_TYPED = 1_000
"""Characters of the field."""
_BETWEEN = re.compile(r"[,;\n，、؛،]+")


def cleaned(typed: str) -> str | None:
    """Return what is stored of the words that somebody typed; None for none of them.

    Each is there once, whatever its case; what is too long is cut, what is too many is left out.
    """
    known: dict[str, str] = {}
    for word in _BETWEEN.split(fit_text(typed[:MAX_TYPED])):
        plain = " ".join(word.replace(UNREADABLE, " ").split()).lstrip("#")
        hobby = plain[:MAX_CHARACTERS].strip()
        if any(map(str.isalnum, hobby)):
            known.setdefault(hobby.casefold(), hobby)
    return ", ".join(list(known.values())[:MAX_HOBBIES]) or None


def hobbies_of(stored: str | None) -> list[str]:
    """Return the hobbies that are stored."""
    return stored.split(", ") if stored else []
