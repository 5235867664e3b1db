"""Files of many tweets: what somebody sends to be scheduled, and all that they have, as files."""

from __future__ import annotations

from app.tweet_files import feed
from app.tweet_files.adding import Confirmed, confirm, forget_old, keep, of, report_of, sent_before
from app.tweet_files.checking import CheckedRow, check
from app.tweet_files.exporting import as_csv, as_json, as_zip, id_of
from app.tweet_files.reading import MAX_BYTES, MAX_ROWS, FileProblem, RowProblem, read

__all__ = [
    "MAX_BYTES",
    "MAX_ROWS",
    "CheckedRow",
    "Confirmed",
    "FileProblem",
    "RowProblem",
    "as_csv",
    "as_json",
    "as_zip",
    "check",
    "confirm",
    "feed",
    "forget_old",
    "id_of",
    "keep",
    "of",
    "read",
    "report_of",
    "sent_before",
]
