"""Every sentence that people read about a tweet, a picture or an account."""

from __future__ import annotations

from app.web.messages.connect import (
    Refusal,
    belongs_to_somebody_else,
    crowded,
    field_sentence,
    no_answer,
    proves_nobody,
    refused,
    signs_nobody_in,
    too_many_accounts,
)
from app.web.messages.delivery import delivery_error, hold_error, label_of, outcome_of
from app.web.messages.input import REFUSALS, input_refusal, usage_of
from app.web.messages.pictures import of_contents, picture_refusal

__all__ = [
    "REFUSALS",
    "Refusal",
    "belongs_to_somebody_else",
    "crowded",
    "delivery_error",
    "field_sentence",
    "hold_error",
    "input_refusal",
    "label_of",
    "no_answer",
    "of_contents",
    "outcome_of",
    "picture_refusal",
    "proves_nobody",
    "refused",
    "signs_nobody_in",
    "too_many_accounts",
    "usage_of",
]
