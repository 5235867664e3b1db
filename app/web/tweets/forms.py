"""Reading what people typed, and saying how it was understood."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import gettext as _
from flask_login import current_user

from app.db import db, utcnow
from app.learning import best_hours
from app.models import ALL, Account, Draft, content, slot
from app.notices import digests
from app.web import pictures, schemas
from app.web.i18n import exact_time, iso_utc, relative_time
from app.web.messages import input_refusal
from app.web.schemas import Invalid, calls, moment_of, planning, typed
from app.web.tweets import payload, picked
from app.web.tweets.payload import id_in, is_about_contents, read_form, read_json
from app.when import MAX_WORDS, Moment, WhenProblem, as_shown, is_now, understand, zone_named


def empty() -> dict[str, Any]:
    """Return a composer with nothing in it."""
    return {
        "parts": [{"text": "", "pictures": []}],
        "variants": {},
        "options": {},
        "when": "",
        "shown_at": "",
        "mode": "",
        "accounts": [],
        "signature": "",
        "submit_id": str(uuid.uuid4()),
        "timezone": current_user.timezone or "",
        "errors": {},
        "duplicate": None,
        "echo": None,
        "draft": None,
        "draft_version": None,
        "elsewhere": None,
        "allow_duplicate": False,
    }


def of_draft(row: Draft) -> dict[str, Any]:
    """Return a draft in the composer's shape, as it was typed."""
    shared = payload.filled(row.parts, ())
    return empty() | {
        "parts": shared,
        "variants": row.variants,
        "options": {int(key): own for key, own in row.options.items()},
        "when": row.when,
        "mode": "later" if row.when else "",
        "accounts": row.accounts,
        "signature": row.signature,
        "draft": row.id,
        "draft_version": row.version,
    }


def written(form: Mapping[str, Any], before: Draft | None = None) -> dict[str, Any]:
    """Return what a draft keeps of a form.

    :param before: the draft that a page shows, which has no fields for the pictures of single
        accounts.
    """
    accounts = form["accounts"]
    variants = kept_pictures(form["variants"], before) if before else form["variants"]
    return {
        "parts": [_typed(part) for part in payload.filled(form["parts"], ())],
        "variants": {
            str(key): [_typed(part) for part in own] for key, own in variants.items() if own
        },
        "accounts": [one.id for one in current_user.accounts] if accounts == ALL else accounts,
        "options": {str(key): own for key, own in form["options"].items() if own},
        "when": form["when"] or "",
        "timezone": form["timezone"] or "",
        **({"signature": form["signature"]} if form["signature"] else {}),
    }


def _typed(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part with its lines as they were typed: forms end each with two characters."""
    return {**part, "text": (part["text"] or "").replace("\r\n", "\n")}


def kept_pictures(
    variants: Mapping[int, list[dict[str, Any]]], before: Draft
) -> dict[int, list[dict[str, Any]]]:
    """Return variants of a form with the pictures of their own that a draft has for them."""
    return {key: _with_own(own, before.variants.get(key) or []) for key, own in variants.items()}


def _with_own(
    parts: list[dict[str, Any]], stored: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    if len(parts) != len(stored):
        return parts
    both = zip(parts, stored, strict=True)
    return [one if one["pictures"] else {**one, "pictures": own["pictures"]} for one, own in both]


def filled(
    own: Sequence[Mapping[str, Any]], shared: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return what an account says instead, with the shared pictures where it has none said."""
    return payload.filled(own, shared)


def read_draft(refusal: Invalid | None = None) -> dict[str, Any]:
    """Return what is to be kept as a draft, like ``read_tweet``: nothing has to be there yet."""
    return _read(planning.NewDraft, refusal)


def read_tweet(refusal: Invalid | None = None) -> dict[str, Any]:
    """Return what was submitted, as a form or as JSON, in the composer's shape.

    :param refusal: why a form is refused before it is read: no file of it is stored.

    ``refusal`` is why it cannot be used, as far as that is known already, None for nothing: of a
    form everything that was typed is here all the same. ``refused_at`` is its field.
    ``check`` and ``more`` ask for the page again and not for a tweet; ``allow_duplicate`` says that
    the same text may have been written before; ``queue`` that slots decide when.

    :raises BadRequest: the JSON or the form cannot be read.
    :raises schemas.Invalid: the JSON does not fit.
    """
    form = _read(calls.NewTweet, refusal)
    if problem := _time_problem(form):
        form |= {"refusal": form["refusal"] or problem}
    return form


def _read(schema: type[calls.NewTweet], refusal: Invalid | None = None) -> dict[str, Any]:
    if request.is_json:
        given = schemas.body(schema).model_dump(exclude_unset=True)
        refuse_text_beside_parts(given)
        accounts, problem = picked.of_json(given.get("accounts") or [])
        read = read_json(given) | {"refusal": problem, "refused_at": problem and problem.field}
        is_check = given.get("check") is True
        wants_more, may_repeat = False, given.get("allow_duplicate") is True
        is_queued = given.get("queue") is True or given.get("mode") == "queue"
        _refuse_unknown_zone(given.get("timezone"))
    else:
        given, read = _form(typed.NewTweetForm, refusal)
        # The form has a field for every account; what is left empty says nothing.
        read["variants"] = {key: own for key, own in read["variants"].items() if own}
        accounts, problem = picked.of_form(given, _accounts_of_form(), read["parts"])
        if problem and not read["refusal"]:
            read |= {"refusal": problem, "refused_at": problem.field}
        is_check = bool(request.form.get("check"))
        wants_more = bool(request.form.get("more"))
        may_repeat = bool(request.form.get("allow_duplicate"))
        is_queued = given.get("mode") == "queue"
    refused_key = read["refusal"] and read["refused_at"] == "submit_id"
    submit_id = None if refused_key else _key(given)
    return empty() | {
        **read,
        **{name: given.get(name) or "" for name in ("when", "shown_at", "mode", "timezone")},
        "accounts": accounts,
        "signature": picked.signature(given.get("signature")),
        "submit_id": submit_id,
        "check": is_check,
        "more": wants_more,
        "allow_duplicate": may_repeat,
        "queue": is_queued,
        **{name: id_in(str(given.get(name) or "")) for name in ("draft", "draft_version")},
    }


def _accounts_of_form() -> Any:
    """Return the ids of the ticked accounts; ALL where the box of all of them is ticked."""
    ticked = request.form.getlist("accounts")
    if ALL in ticked:
        return ALL
    return [number for word in ticked if (number := id_in(word))]


def read_edit(refusal: Invalid | None = None) -> dict[str, Any]:
    """Return what a form of the edit page says, like ``read_tweet``."""
    given, read = _form(typed.EditForm, refusal)
    return empty() | {
        **read,
        "when": given.get("when"),
        "shown_at": given.get("shown_at") or "",
        "timezone": given.get("timezone") or "",
        "submit_id": given.get("submit_id"),
    }


def read_change() -> tuple[dict[str, Any] | None, datetime | None, str | None]:
    """Return (contents, due time, job id) of a change; None for what was left out.

    :raises WhenProblem: the time cannot be understood.
    :raises schemas.Invalid: it does not fit, or says nothing to change.
    """
    if request.is_json:
        given = schemas.body(calls.TweetChange).model_dump(exclude_unset=True)
        refuse_text_beside_parts(given)
        said = {name for name, value in given.items() if value is not None}
    else:
        given = schemas.form(typed.EditForm).model_dump(exclude_unset=True, by_alias=True)
        said = set(request.form) - {"csrf_token", "timezone", "submit_id", "writer"}
    when = given.get("when")
    if not said - {"job_id", "shown_at"}:
        raise Invalid("nothing_to_change")
    if when is not None and not when.strip():
        raise Invalid("empty_time", "when")
    names = said if request.is_json else set(request.form)
    what = None
    if any(map(is_about_contents, names)):
        what = read_json(given) if request.is_json else _form(typed.EditForm)[1]
        if what.get("refusal"):
            raise what["refusal"]
    at = None if when is None else due_at(when, given.get("shown_at"))
    return what, at, given.get("job_id")


def due_at(words: str, shown_at: str | None) -> datetime:
    """Return when something is due: what was shown for the words is what is stored.

    :raises WhenProblem: the words cannot be understood.
    :raises Invalid: ``time_moved``: they mean another moment by now, which is shown then.
    """
    moment, is_as_shown = as_shown(words, moment_of(shown_at), current_user.zone, utcnow())
    if not is_as_shown:
        raise Invalid("time_moved", "when", echo=echo_of(moment))
    return moment.at


def time_said(words: str, shown_at: str | None = None) -> datetime:
    """Return ``due_at`` of a time that must be said; raises Invalid for none."""
    if not words.strip():
        raise Invalid("empty_time", "when")
    return due_at(words, shown_at)


def said_when(form: Mapping[str, Any]) -> str | datetime:
    """Return the time of a new tweet: as it was shown, else in the words for it; raises ``due_at``.

    Words that mean now are left as they are: now is when they are stored. So are those of a tweet
    that was stored before, which gets the same answer whatever they mean by now.
    """
    words: str = form["when"]
    if not form["shown_at"] or is_now(words) or current_user.has_submitted(form["submit_id"]):
        return words
    return due_at(words, form["shown_at"])


def shown_again(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form says of its time as it is understood by now, if it has one."""
    if not (form["when"] or "").strip():
        return {"shown_at": ""}
    known = echo(form["when"])
    return {"echo": known.get("echo"), "shown_at": known.get("shown_at", "")}


def _form(
    schema: type[typed.NewTweetForm | typed.EditForm], refusal: Invalid | None = None
) -> tuple[Any, dict[str, Any]]:
    """Return the fields of a form, and its contents in the composer's shape.

    What does not fit is the ``refusal``; its files are not stored then.
    """
    count = 1 + len(request.form.getlist("part"))
    try:
        if refusal:
            raise refusal
        schemas.form(schema)
        schemas.key_in_header()
        schemas.file_fields(count)
        _refuse_pictures_of_no_part(count)
    except Invalid as problem:
        refused: dict[str, Any] = {"refusal": problem, "refused_at": problem.field}
        names = map(pictures.field_of, range(min(count, content.MAX_PARTS)))
        shown: list[list[str] | None] = [request.form.getlist(name)[:4] for name in names]
    else:
        shown, refused = _pictures_of_form(count)
    given = request.form.to_dict()
    if refused["refusal"]:  # shown again, however it looks
        given |= {
            name: given[name][:MAX_WORDS]
            for name in ("when", "submit_id", "shown_at")
            if name in given
        }
    return given, _short(read_form(request.form, shown)) | refused


def _short(read: dict[str, Any]) -> dict[str, Any]:
    """Return refused contents with at most twice the parts allowed, to show them again."""
    most = 2 * content.MAX_PARTS
    variants = {account_id: own[:most] for account_id, own in read["variants"].items()}
    return read | {"parts": read["parts"][:most], "variants": variants}


def _pictures_of_form(count: int) -> tuple[list[list[str] | None], dict[str, Any]]:
    """Return the pictures of each part, with the first refusal of a file and its field."""
    refused: dict[str, Any] = {"refusal": None, "refused_at": None}
    submit_id = _key(request.form)
    shown: list[list[str] | None] = []
    for number in range(count):
        name = pictures.field_of(number)
        found, refusal = pictures.read_form(
            current_user, request.form, request.files, number, submit_id
        )
        shown.append(found if found or name in request.form else None)
        if refusal and not refused["refusal"]:
            refused = {"refusal": refusal, "refused_at": name}
    return shown, refused


def _refuse_pictures_of_no_part(parts: int) -> None:
    for name in request.form:
        number = name.rpartition("-")[2]
        if name.startswith("pictures-") and int(number) >= parts:
            raise Invalid("unknown_name", name)


def refuse_text_beside_parts(given: Mapping[str, Any]) -> None:
    """Refuse ``text`` or ``pictures`` beside ``parts`` that differ: one of them would be lost.

    :raises Invalid: ``text_and_parts``.
    """
    parts = given.get("parts")
    for own in ("text", "pictures"):
        if parts and given.get(own) and given[own] != parts[0].get(own):
            raise Invalid("text_and_parts", own)
    for own in (given.get("variants") or {}).values():
        if own:
            refuse_text_beside_parts(own)


def _refuse_unknown_zone(name: str | None) -> None:
    """Refuse a zone that a program names and nobody knows; one that a browser names is ignored."""
    if name and known_zone(name) is None:
        raise Invalid("unknown_zone", "timezone")


def _time_problem(form: Mapping[str, Any]) -> Invalid | None:
    """Return why the time and the choice between now and later do not go together.

    In a form without scripts "Now" is chosen already when a time is typed: there the time wins.
    """
    has_time = bool(form["when"].strip())
    if form["queue"] and (has_time or form["mode"] in {"now", "later"}):
        return Invalid("queue_or_time", "when")
    if form["mode"] == "later" and not has_time:
        return Invalid("empty_time", "when")
    if request.is_json and form["mode"] == "now" and has_time and not is_now(form["when"]):
        return Invalid("now_or_later", "when")
    return None


def _key(given: Mapping[str, Any]) -> str | None:
    return schemas.key_in_header() or given.get("submit_id") or None


def field_shown(field: str, form: Mapping[str, Any], account_ids: Iterable[int]) -> str:
    """Return the field of the page beside which a problem is shown; "" for none of its fields."""
    if field in {"text", "when", "accounts", "pictures", "signature"}:
        return field
    kind, _dash, number = field.partition("-")
    if kind in {"part", "pictures"} and number.isdigit() and int(number) < len(form["parts"]):
        return field
    is_shown = kind in {"variant", "options"} and number.split("-")[0] in map(str, account_ids)
    return field if is_shown else ""


def remember_zone(name: str) -> None:
    """Keep the browser's zone for a person who has not chosen one."""
    if current_user.timezone is None and (zone := known_zone(name)):
        current_user.timezone = zone.key
        best_hours.zone_changed(current_user.id)
        digests.zone_changed(current_user)
        db.session.commit()


def zone_of(name: str | None) -> ZoneInfo:
    """Return the person's own zone, else the browser's."""
    known = known_zone(name) if current_user.timezone is None else None
    return known or current_user.zone


def known_zone(name: str | None) -> ZoneInfo | None:
    """Return the zone of this name, None for no name and for one that nobody knows."""
    try:
        return zone_named(name) if name else None
    except WhenProblem:
        return None


def echo(words: str) -> dict[str, Any]:
    """Return the parts of a form that say how its time is understood."""
    try:
        moment = understand(words, current_user.zone, utcnow())
    except WhenProblem as problem:
        return {"errors": {"when": input_refusal(problem)[2]}}
    note = note_of(moment)
    return {
        "echo": f"{echo_of(moment)} {note}" if note else echo_of(moment),
        "shown_at": iso_utc(moment.at),
    }


def queue_echo(chosen: Sequence[Account]) -> dict[str, Any]:
    """Return the next free slots of these accounts in words, and the first as ``due_at``.

    :raises slot.NoSlots: one of them has none.
    """
    found = []
    for account in chosen:
        first = next(iter(slot.next_free(account, current_user.zone, 1)), None)
        if first is None:
            raise slot.QueueFull(account) if account.slots else slot.NoSlots(account)
        found.append((account, first.at))
    shown = [exact_time(at, seconds=False) for _account, at in found]
    if len(found) > 1:
        shown = [f"@{one.handle}: {words}" for (one, _at), words in zip(found, shown, strict=True)]
    return {"echo": " · ".join(shown), "due_at": iso_utc(min(at for _account, at in found))}


def begun_for(words: str) -> dict[str, Any]:
    """Return the parts of a form that was opened for a time, such as a day of the calendar."""
    return {"when": words, "is_begun": True, **echo(words)}


def echo_of(moment: Moment) -> str:
    """Return "Wed 14 Oct 2026, 16:05 (Europe/Berlin), in 1 hour"."""
    if moment.at <= utcnow():
        return _("Now")
    return f"{exact_time(moment.at, moment.zone, seconds=False)}, {relative_time(moment.at)}"


def note_of(moment: Moment) -> str | None:
    """Return what is special about a time, None for nothing."""
    if moment.note == "overlap_first":
        return _(
            "This time happens twice that night, when the clocks go back. The first one is used."
        )
    return None
