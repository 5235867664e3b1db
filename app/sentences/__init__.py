"""What people read about a delivery and its pictures: in pages, and in mails that workers send."""

from __future__ import annotations

from app.sentences.delivery import (
    access_ended,
    delivery_error,
    hold_error,
    known_error,
    label_of,
    outcome_of,
)
from app.sentences.excerpts import shortened
from app.sentences.notices import reason, told
from app.sentences.pictures import of_contents, picture_refusal, size_in_words

__all__ = [
    "access_ended",
    "delivery_error",
    "hold_error",
    "known_error",
    "label_of",
    "of_contents",
    "outcome_of",
    "picture_refusal",
    "reason",
    "shortened",
    "size_in_words",
    "told",
]
