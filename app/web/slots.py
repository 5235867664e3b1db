"""The queue of an account, and the times of the week that feed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import time
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app.db import db
from app.models import Account, BestHours, Delivery, slot
from app.planning import NoTimes, NotInQueue, Queued, queue, times
from app.sentences import shortened
from app.web import rate_limits, schemas
from app.web.context import networks
from app.web.errors import refuse, wants_json
from app.web.i18n import exact_time, iso_utc
from app.web.messages import input_refusal
from app.when import Coming, Slot

bp = Blueprint("slots", __name__)

NEXT = 10
"""Free moments that are told."""
MOST_SHOWN = 100
"""Of a queue, on its page."""
SHOWN_CHARACTERS = 140


@bp.get("/queue")
@rate_limits.reads
@login_required
def overview() -> ResponseReturnValue:
    """List the queues of all accounts; with a single account, go to its own."""
    accounts = current_user.accounts
    if len(accounts) == 1 and not wants_json():
        return redirect(url_for("slots.show_queue", account_id=accounts[0].id))
    found = [(account, queue.listed(account.id)) for account in accounts]
    if wants_json():
        return jsonify(
            queues=[{"account": account.id, "queue": _as_json(jobs)} for account, jobs in found]
        )
    views = [
        {
            "account": account,
            "title": networks()[account.network].title,
            "has_slots": bool(account.slots),
            "waiting": len(jobs),
            "first": jobs[0].due_at if jobs else None,
        }
        for account, jobs in found
    ]
    return render_template("queue/overview.html", views=views)


@bp.get("/accounts/<int:account_id>/slots")
@rate_limits.reads
@login_required
def show(account_id: int) -> ResponseReturnValue:
    """Show the slots of an account, and when the next free ones are."""
    account = _own(account_id)
    return _told(account) if wants_json() else _page(account)


@bp.put("/accounts/<int:account_id>/slots")
@rate_limits.writes
@login_required
def change(account_id: int) -> ResponseReturnValue:
    """Replace the slots of an account; what is in its queue keeps its time."""
    account = _own(account_id)
    given = schemas.body(schemas.weekly.SlotsChange).slots
    slot.choose(account.id, [Slot(one.weekday, time.fromisoformat(one.time)) for one in given])
    return _told(_own(account_id))


@bp.post("/accounts/<int:account_id>/slots")
@rate_limits.writes
@login_required
def save(account_id: int) -> ResponseReturnValue:
    """The same as a form: adds times to some weekdays, or replaces those of the whole week."""
    account = _own(account_id)
    try:
        chosen = _typed(account)
        if len(chosen) > slot.MAX_SLOTS:
            raise schemas.Invalid("too_many", "times", limit=slot.MAX_SLOTS)
    except schemas.Invalid as problem:
        db.session.rollback()
        field, _code, message = input_refusal(problem)
        return _page(_own(account_id), {field: message}, request.form), 422
    slot.choose(account.id, chosen)
    flash(_("Saved."))
    return redirect(url_for("slots.show", account_id=account_id), 303)


@bp.get("/accounts/<int:account_id>/queue")
@rate_limits.reads
@login_required
def show_queue(account_id: int) -> ResponseReturnValue:
    """Show what waits for the slots of an account."""
    account = _own(account_id)
    return jsonify(queue=_as_json(queue.listed(account.id))) if wants_json() else _page(account)


@bp.post("/accounts/<int:account_id>/queue/shuffle")
@rate_limits.writes
@login_required
def shuffle(account_id: int) -> ResponseReturnValue:
    """Put a queue into another order, by chance."""
    return _reordered(_own(account_id).id, queue.shuffle, _("Shuffled."))


@bp.post("/accounts/<int:account_id>/queue/<job_id>/top")
@rate_limits.writes
@login_required
def to_top(account_id: int, job_id: str) -> ResponseReturnValue:
    """Let a job be the next one; 404 for one that is not this account's."""
    account = _own(account_id)
    found = db.session.get(Delivery, job_id) if job_id.isprintable() else None
    if found is None or found.account_id != account.id:
        abort(404)
    try:
        return _reordered(
            account_id, lambda owner: queue.to_top(owner, job_id), _("Now it is the first.")
        )
    except NotInQueue:
        message = _("This tweet is not in the queue any more. Nothing was changed.")
        back = {
            "url": url_for("slots.show_queue", account_id=account_id),
            "label": _("To the queue"),
        }
        return refuse(409, "not_in_queue", message, action=back)


def _reordered(
    account_id: int, verb: Callable[[int], list[Queued]], words: str
) -> ResponseReturnValue:
    found = verb(account_id)
    if wants_json():
        return jsonify(queue=_as_json(found))
    flash(words)
    return redirect(url_for("slots.show_queue", account_id=account_id), 303)


def _own(account_id: int) -> Account:
    """Return the signed-in user's own connected account; any other does not exist."""
    found = next((one for one in current_user.accounts if one.id == account_id), None)
    if found is None:
        abort(404)
    return found


def _as_json(found: Sequence[Queued]) -> list[dict[str, Any]]:
    return [one._asdict() | {"due_at": iso_utc(one.due_at)} for one in found]


def _told(account: Account) -> ResponseReturnValue:
    zone = current_user.zone
    return jsonify(
        slots=[{"weekday": day, "time": f"{wall:%H:%M}"} for day, wall in slot.weekly(account)],
        timezone=zone.key,
        next=[
            {
                "due_at": iso_utc(one.at),
                "local": one.at.astimezone(zone).isoformat(timespec="seconds"),
                "note": _note(one),
            }
            for one in slot.next_free(account, zone, NEXT)
        ],
    )


def _note(one: Coming) -> str | None:
    """Return what is special about a moment of a slot, None for nothing."""
    if one.note == "gap":
        return _(
            "The clocks go forward that night, and %(wall)s does not exist: it goes out at "
            "%(instead)s.",
            wall=f"{one.wall:%H:%M}",
            instead=f"{one.at.astimezone(current_user.zone):%H:%M}",
        )
    if one.note == "overlap_first":
        return _(
            "This time happens twice that night, when the clocks go back. The first one is used."
        )
    return None


def _typed(account: Account) -> set[Slot]:
    """Return the slots that a form asks for; raises Invalid."""
    given = schemas.form(schemas.weekly.SlotsForm)
    if given.times is None:
        week = [(day, words, f"times-{day}") for day, (words,) in given.times_of.items()]
        return {Slot(day, wall) for day, words, name in week for wall in _times(words, name)}
    walls = _times(given.times, "times")
    if not walls:
        raise schemas.Invalid("bad_time", "times")
    if not given.day:
        raise schemas.Invalid("nothing_chosen", "day")
    return {*slot.weekly(account), *(Slot(day, wall) for day in given.day for wall in walls)}


def _times(words: str, name: str) -> list[time]:
    try:
        return times.typed(words)
    except NoTimes:
        raise schemas.Invalid("bad_time", name) from None


def _page(account: Account, errors: Any = None, typed: Any = None) -> str:
    """Return the page of a queue: what is in it, its slots, and those that would do well."""
    known, zone = slot.weekly(account), current_user.zone
    found = queue.listed(account.id)
    names = get_locale().days["format"]["wide"]
    hours = db.session.get(BestHours, account.id)
    return render_template(
        "queue/account.html",
        account=account,
        title=networks()[account.network].title,
        zone=zone.key,
        waiting=len(found),
        jobs=_shown(found[:MOST_SHOWN]),
        week=[
            {
                "day": day,
                "name": names[day - 1],
                "times": ", ".join(f"{one.wall:%H:%M}" for one in known if one.weekday == day),
            }
            for day in range(1, 8)
        ],
        has_slots=bool(known),
        next=[
            {"at": exact_time(one.at, seconds=False), "note": _note(one)}
            for one in slot.next_free(account, zone, 3)
        ],
        suggested=[
            {"day": one.weekday, "name": names[one.weekday - 1], "time": f"{one.wall:%H:%M}"}
            for one in times.suggested(hours, zone.key, known)
        ],
        errors=errors or {},
        typed=typed or {},
    )


def _shown(found: Sequence[Queued]) -> list[dict[str, Any]]:
    ids = [one.job_id for one in found]
    rows = db.session.scalars(db.select(Delivery).where(Delivery.id.in_(ids)))
    texts = {row.id: row.contents[0].text for row in rows}
    return [
        {
            **one._asdict(),
            "at": exact_time(one.due_at, seconds=False),
            "text": shortened(texts[one.job_id], SHOWN_CHARACTERS),
        }
        for one in found
        if one.job_id in texts
    ]
