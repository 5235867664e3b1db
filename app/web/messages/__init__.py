"""Every sentence that people read about a tweet, a picture or an account."""

from __future__ import annotations

from app.web.messages.connect import (
    Refusal,
    account_only_publishes,
    belongs_to_somebody_else,
    connected,
    crowded,
    disconnected,
    event_words,
    field_sentence,
    no_answer,
    refused,
    server_checks_nobody,
    sign_in_changed,
    sign_in_not_changed,
    too_many_accounts,
)
from app.web.messages.delivery import access_ended, delivery_error, hold_error, label_of, outcome_of
from app.web.messages.input import REFUSALS, input_refusal, usage_of
from app.web.messages.pictures import of_contents, picture_refusal

__all__ = [
    "REFUSALS",
    "Refusal",
    "access_ended",
    "account_only_publishes",
    "belongs_to_somebody_else",
    "connected",
    "crowded",
    "delivery_error",
    "disconnected",
    "event_words",
    "field_sentence",
    "hold_error",
    "input_refusal",
    "label_of",
    "no_answer",
    "of_contents",
    "outcome_of",
    "picture_refusal",
    "refused",
    "server_checks_nobody",
    "sign_in_changed",
    "sign_in_not_changed",
    "too_many_accounts",
    "usage_of",
]
