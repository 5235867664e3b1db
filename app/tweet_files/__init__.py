"""Files of many tweets: what somebody sends to be scheduled, and all that they have, as files."""

from __future__ import annotations

from app.tweet_files.adding import Confirmed, confirm, forget_old, keep, of, report_of, sent_before
from app.tweet_files.checking import CheckedRow, check
from app.tweet_files.reading import MAX_BYTES, MAX_ROWS, FileProblem, RowProblem, read

__all__ = [
    "MAX_BYTES",
    "MAX_ROWS",
    "CheckedRow",
    "Confirmed",
    "FileProblem",
    "RowProblem",
    "check",
    "confirm",
    "forget_old",
    "keep",
    "of",
    "read",
    "report_of",
    "sent_before",
]
