"""The answer to a form of somebody who is signed out: it carries the words that were written.

They are sent again from there after signing in. Nothing of it is stored, and nothing is published
by it alone: the form's token belongs to no session, so its words come back in the page they were
written in.
"""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from werkzeug.exceptions import HTTPException

WRITING = {"tweets.create", "changes.save", "settings.save"}
"""Endpoints whose forms hold what somebody wrote."""
WORDS = ("text", "part", "variant-", "alt-", "new-alt")
"""What the names of fields of prose begin with."""
DROPPED = {"csrf_token", "now", "again", "check"}
"""The old token, and buttons: sending again is pressed anew."""
MOST_FIELDS = 500


def is_ours() -> bool:
    """False for a form that another site sent: its words are not this person's."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}


def page() -> str:
    """Return the page that says so, with the words of a form in which somebody wrote."""
    fields = _fields()
    return render_template(
        "signed_out.html",
        fields=fields,
        has_files=bool(fields) and any(file.filename for file in request.files.values()),
    )


def _fields() -> list[dict[str, Any]]:
    if request.endpoint not in WRITING or not is_ours():
        return []
    try:
        given = list(request.form.items(multi=True))
    except HTTPException:  # too large, or broken off
        return []
    return [
        {
            "name": "" if name.startswith("new-alt") else name,  # its file is not here any more
            "value": value,
            "is_prose": name.startswith(WORDS) and bool(value.strip()),
        }
        for name, value in given[:MOST_FIELDS]
        if name not in DROPPED and (value.strip() or not name.startswith("new-alt"))
    ]
