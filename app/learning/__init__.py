"""Learning from accounts: consent, imports, and what is made of them."""

from __future__ import annotations

from app.learning import (
    best_hours,
    consent,
    hobbies,
    interests,
    items,
    numbers,
    overview,
    suggestions,
)
from app.learning.importing import import_account
from app.learning.numbers import read_numbers
from app.learning.suggestions import Found

__all__ = [
    "Found",
    "best_hours",
    "consent",
    "hobbies",
    "import_account",
    "interests",
    "items",
    "numbers",
    "overview",
    "read_numbers",
    "suggestions",
]
