"""Every sentence that people read about a tweet, a picture or an account."""

from __future__ import annotations

from app.web.messages import connect
from app.web.messages.connect import Refusal
from app.web.messages.delivery import access_ended, delivery_error, hold_error, label_of, outcome_of
from app.web.messages.input import REFUSALS, input_refusal, usage_of
from app.web.messages.pictures import of_contents, picture_refusal

__all__ = [
    "REFUSALS",
    "Refusal",
    "access_ended",
    "connect",
    "delivery_error",
    "hold_error",
    "input_refusal",
    "label_of",
    "of_contents",
    "outcome_of",
    "picture_refusal",
    "usage_of",
]
