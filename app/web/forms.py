"""Reading what people typed, and saying how it was understood."""

from __future__ import annotations

import uuid
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.exceptions import UnprocessableEntity

from app.db import db, utcnow
from app.web import contents, pictures, sentences
from app.web.contents import text_in as _text
from app.web.locales import exact_time, relative_time
from app.when import Moment, WhenProblem, understand, zone_named

LARGEST_ID = 2**31 - 1
"""PostgreSQL refuses to compare an integer column with more than this."""


def empty() -> dict[str, Any]:
    """Return a composer with nothing in it."""
    return {
        "parts": [{"text": "", "pictures": []}],
        "variants": {},
        "when": "",
        "accounts": [],
        "submit_id": str(uuid.uuid4()),
        "timezone": current_user.timezone or "",
        "errors": {},
        "echo": None,
    }


def read_tweet() -> dict[str, Any]:
    """Return what was submitted, as a form or as JSON, in the composer's shape.

    ``refusal`` is the exception for a file of the form that cannot be used, None for none, and
    ``refused_at`` its field.

    :raises BadRequest: the JSON cannot be read or has another shape.
    """
    given = request.get_json() if request.is_json else request.form
    if not hasattr(given, "get"):
        raise UnprocessableEntity
    submit_id = _key(request.headers.get("Idempotency-Key") or _text(given.get("submit_id")))
    return empty() | {
        **_contents(given, submit_id),
        "when": _text(given.get("when")),
        "timezone": _text(given.get("timezone")),
        "accounts": _account_ids(given),
        "submit_id": submit_id,
        "check": bool(given.get("check")),
    }


def _contents(given: Any, submit_id: str | None = None) -> dict[str, Any]:
    """Return the contents with the first refusal of a file, and the field that it stands in."""
    picked: list[list[str] | None] = []
    refused: dict[str, Any] = {"refusal": None, "refused_at": None}
    if not request.is_json:
        for number in range(1 + len(request.form.getlist("part"))):
            name = pictures.field_of(number)
            found, refusal = pictures.read_form(
                current_user, request.form, request.files, number, submit_id
            )
            picked.append(found if found or name in request.form else None)
            if refusal and not refused["refusal"]:
                refused = {"refusal": refusal, "refused_at": name}
    return contents.read(given, picked) | refused


def _key(value: str) -> str | None:
    """Return a submit id; raises UnprocessableEntity for one that cannot be stored."""
    if not value.isprintable():
        raise UnprocessableEntity
    return value[:200] or None


def read_change() -> tuple[dict[str, Any] | None, str | None]:
    """Return (contents, when) of a change; None for what was left out."""
    given = request.get_json() if request.is_json else request.form
    if not hasattr(given, "get"):
        raise UnprocessableEntity
    when = given.get("when")
    what = _contents(given) if any(map(contents.is_about_contents, given)) else None
    return what, None if when is None else _text(when)


def _account_ids(given: Any) -> list[int]:
    """Ids of another shape belong to nobody, like unknown ones."""
    listed = given.getlist("accounts") if hasattr(given, "getlist") else given.get("accounts")
    values = listed if isinstance(listed, list) else [listed] if listed is not None else []
    try:
        return [int(value) for value in values if value != ""]
    except (TypeError, ValueError):
        return [0]


def remember_zone(name: str) -> None:
    """Keep the browser's zone for a person who has not chosen one."""
    if current_user.timezone is None and name:
        try:
            current_user.timezone = zone_named(name).key
        except WhenProblem:
            return
        db.session.commit()


def zone_of(name: str | None) -> ZoneInfo:
    """Return the person's own zone, else the browser's."""
    if current_user.timezone is None and name:
        try:
            return zone_named(name)
        except WhenProblem:
            pass
    return current_user.zone


def echo(words: str) -> dict[str, Any]:
    """Return the parts of a form that say how its time is understood."""
    try:
        moment = understand(words, current_user.zone, utcnow())
    except WhenProblem as problem:
        return {"errors": {"when": sentences.refusal(problem)[2]}}
    note = note_of(moment)
    return {"echo": f"{echo_of(moment)} {note}" if note else echo_of(moment)}


def echo_of(moment: Moment) -> str:
    """Return "Wed 14 Oct 2026, 16:05 (Europe/Berlin), in 1 hour"."""
    if moment.at <= utcnow():
        return _("Now")
    return f"{exact_time(moment.at, moment.zone, seconds=False)}, {relative_time(moment.at)}"


def note_of(moment: Moment) -> str | None:
    """Return what is special about a time, None for nothing."""
    if moment.note == "overlap_first":
        return _(
            "This time comes twice that night, when the clocks go back; the first one is meant."
        )
    return None
