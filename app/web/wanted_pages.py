"""The page that a link in a mail leads to, kept while somebody signs in."""

from __future__ import annotations

from flask import request, session, url_for

KEY = "wanted"
LED_TO = {"tweets.show", "notices.index", "notices.settings", "accounts.index"}
"""Endpoints to which mails lead."""
MAX_LENGTH = 300


def remember() -> None:
    """Keep the page that was asked for, where mails lead to it."""
    if request.endpoint in LED_TO:
        path = request.full_path.rstrip("?")
        if len(path) <= MAX_LENGTH:
            session[KEY] = path


def take(otherwise: str) -> str:
    """Return the path of the page that was asked for before, and forget it.

    The cookie is signed and the path came from our own routes, so it leads to no other site.

    :param otherwise: the endpoint to go to when none was asked for.
    """
    path = session.pop(KEY, None)
    return path if isinstance(path, str) else url_for(otherwise)
