"""Calls whose body may be larger than any other's, because files come in it."""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, request

from app import tweet_files
from app.models import MAX_PICTURES
from app.pictures import MAX_BYTES
from app.web import sessions

WORDS_BESIDE = 1_000_000
"""Bytes of a request that are not its files: text fields and the frame around the parts."""
MOST_BYTES = {
    "pictures.create": MAX_BYTES + WORDS_BESIDE,
    "tweets.create": MAX_PICTURES * MAX_BYTES + WORDS_BESIDE,
    "actions.save": MAX_PICTURES * MAX_BYTES + WORDS_BESIDE,
    "drafts.create": MAX_PICTURES * MAX_BYTES + WORDS_BESIDE,
    "tweet_files.create": tweet_files.MAX_BYTES + 64 * 1024,
}
"""The largest body of each, by endpoint."""
ONLY_FILES = {"pictures.create", "tweet_files.create"}
"""Of these nothing is given back to somebody who is signed out."""


def init_app(app: Flask) -> None:
    """Allow larger bodies before anybody reads one."""
    app.url_value_preprocessor(_let_files_in)


def _let_files_in(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Allow larger bodies where files may come, and only to people who are signed in.

    Before anything else: whoever checks the form's token reads the whole body.
    """
    if endpoint not in MOST_BYTES or request.mimetype != "multipart/form-data":
        return
    if sessions.is_alive():
        request.max_content_length = MOST_BYTES[endpoint]
    elif endpoint in ONLY_FILES:
        abort(401)
