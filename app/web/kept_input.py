"""What was written, carried by the page that answers a form which was refused.

It is sent again from there. For somebody who is signed out nothing is published by that alone: the
page's token belongs to no session, so after signing in the words come back in the page that they
were written in.
"""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.exceptions import HTTPException

from app.web import sessions

WRITING = {"tweets.create", "actions.save", "drafts.create", "settings.save"}
"""Endpoints whose forms hold what somebody wrote."""
WORDS = ("text", "part", "variant-", "alt-", "new-alt")
"""What the names of fields of prose begin with."""
DROPPED = {"csrf_token", "now", "again", "allow_duplicate"}
"""Fields that are not given back: the old token, and buttons that publish."""
WITHOUT_WORDS = {403, 404, 408, 413}
"""Statuses whose body was not read, or may be somebody else's: nothing is given back."""
MAX_FIELDS = 500


def is_ours() -> bool:
    """Return False for a form that another site sent: this person did not write it."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}


def is_by_reader() -> bool:
    """Return False when the page was made for somebody else than who is signed in now."""
    writer = request.form.get("writer")
    return not writer or sessions.person_mark() in {"", writer}


def kept(status: int = 401) -> dict[str, Any]:
    """Return what a page of a refusal needs to give back what was written; ``fields`` may be [].

    :param status: of the refusal.
    """
    fields = [] if status in WITHOUT_WORDS else _fields()
    has_files = bool(fields) and any(file.filename for file in request.files.values())
    return {"fields": fields, "has_files": has_files}


def _fields() -> list[dict[str, Any]]:
    if request.method != "POST" or request.endpoint not in WRITING or not is_ours():
        return []
    try:
        if not is_by_reader():
            return []
        given = list(request.form.items(multi=True))
    except HTTPException:  # too large, or broken off
        return []
    return [
        {
            "name": "" if name.startswith("new-alt") else name,  # its file is not here any more
            "value": value,
            "is_prose": name.startswith(WORDS) and bool(value.strip()),
        }
        for name, value in given[:MAX_FIELDS]
        if name not in DROPPED and (value.strip() or not name.startswith("new-alt"))
    ]
