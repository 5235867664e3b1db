"""Every sentence that people read about a tweet, a picture or an account."""

from __future__ import annotations

from app.sentences import (
    access_ended,
    delivery_error,
    hold_error,
    label_of,
    of_contents,
    outcome_of,
    picture_refusal,
)
from app.web.messages import connect, learning, series, suggestions
from app.web.messages.connect import Refusal
from app.web.messages.input import REFUSALS, duplicate_of, input_refusal, usage_of
from app.web.messages.pauses import paused_for_owner, what_is_paused

__all__ = [
    "REFUSALS",
    "Refusal",
    "access_ended",
    "connect",
    "delivery_error",
    "duplicate_of",
    "hold_error",
    "input_refusal",
    "label_of",
    "learning",
    "of_contents",
    "outcome_of",
    "paused_for_owner",
    "picture_refusal",
    "series",
    "suggestions",
    "usage_of",
    "what_is_paused",
]
