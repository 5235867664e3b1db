"""What people are told in pages: the bell, the list, and how they want to be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required
from sqlalchemy.exc import SQLAlchemyError

from app import notices, push, sentences
from app.db import rollback_quietly, utcnow
from app.mail import is_offered
from app.models import Notice, NoticeKind, notice
from app.web import rate_limits, schemas
from app.web.errors import signed_out, wants_json
from app.web.i18n import iso_utc

bp = Blueprint("notices", __name__)

PAGE = 50
MOST_SHOWN = 3
"""Of what happened meanwhile, on the start page."""


@bp.app_context_processor
def _shared() -> dict[str, Any]:
    """Let the start page say what happened since the last visit."""
    return {"news": _news}


def _news() -> list[dict[str, Any]]:
    """Return the newest unread notices; without any, which is usual, nothing is asked for."""
    if not current_user.is_authenticated or not current_user.unread_notices:
        return []
    try:
        return _views(notice.unread(current_user.id, MOST_SHOWN))
    except SQLAlchemyError:
        rollback_quietly()
        return []


@bp.get("/notices")
@rate_limits.reads
@login_required
def index() -> ResponseReturnValue:
    """List what happened, the newest first."""
    asked = schemas.query(schemas.calls.NoticesQuery)
    found = notice.listed(current_user.id, asked.before, PAGE + 1)
    shown, following = found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None
    views = _views(shown)
    if wants_json():
        plain = [{**view, "at": iso_utc(view["at"])} for view in views]
        return {"notices": plain, "unread": current_user.unread_notices, "next": following}
    return render_template("notices/index.html", told=views, next=following)


@bp.get("/notices/unread")
@rate_limits.reads
def unread() -> ResponseReturnValue:
    """Return the number at the bell, for pages that stay open: only scripts ask."""
    if not current_user.is_authenticated:
        return signed_out()
    return {"unread": current_user.unread_notices}


@bp.post("/notices/read")
@rate_limits.writes
@login_required
def read() -> ResponseReturnValue:
    """Mark some as read, or all; what is somebody else's stays as it is."""
    asked = schemas.body(schemas.calls.NoticesRead)
    ids = asked.ids
    if ids is not None:
        ids = [one for one in ids if 0 < one <= schemas.LARGEST_ID]
    left = notice.mark_read(current_user.id, ids, utcnow())
    if wants_json():
        return {"unread": left}
    return redirect(url_for("notices.index"), 303)


@bp.get("/settings/notices")
@rate_limits.reads
@login_required
def settings() -> ResponseReturnValue:
    """Show how the person wants to be told."""
    chosen = notices.settings.of_user(current_user.id)
    if wants_json():
        return chosen
    labels = _labels()
    return render_template(
        "notices/settings.html",
        kinds=[(kind.value, labels[kind], chosen[kind]) for kind in NoticeKind],
        reminder=chosen["reminder"],
        mail_is_offered="mail" in _offered(),
        push_is_on="push" in _offered(),
    )


@bp.patch("/settings/notices")
@rate_limits.writes
@login_required
def change() -> ResponseReturnValue:
    """Change what is named; the rest stays."""
    asked = schemas.body(schemas.calls.NoticesChange)
    wanted = _without_nothing(asked.model_dump())
    if not wanted:
        raise schemas.Invalid("nothing_to_change")
    return notices.settings.change(current_user, wanted)


@bp.post("/settings/notices")
@rate_limits.writes
@login_required
def save() -> ResponseReturnValue:
    """Do the same as a form: what is not ticked is off."""
    ticked = set(request.form.getlist("on"))
    wanted: dict[str, Any] = {
        kind.value: {way: f"{kind}-{way}" in ticked for way in _offered()} for kind in NoticeKind
    }
    if is_offered():
        wanted["reminder"] = "reminder" in ticked
    notices.settings.change(current_user, wanted)
    flash(_("Saved."))
    return redirect(url_for("notices.settings"), 303)


def _offered() -> Sequence[str]:
    """Return the ways that the form has; of the others it says nothing."""
    offered = {"bell"}
    if is_offered():
        offered.add("mail")
    if push.reached([current_user.id]):
        offered.add("push")
    return [way for way in notice.CHANNELS if way in offered]


def _without_nothing(given: dict[str, Any]) -> dict[str, Any]:
    kept = {
        name: _without_nothing(value) if isinstance(value, dict) else value
        for name, value in given.items()
        if value is not None
    }
    return {name: value for name, value in kept.items() if value != {}}


def _views(found: Sequence[Notice]) -> list[dict[str, Any]]:
    """Return notices as programs get them; ``at`` is a moment."""
    facts = notices.wording.facts_of(found)
    site = current_app.config["SITE_URL"]
    return [
        {
            "id": one.id,
            "kind": one.kind,
            "at": one.at,
            "read": one.read_at is not None,
            "text": sentences.told(known, current_user.zone),
            "job_id": one.job_id,
            "url": site + notices.wording.path_of(one),
        }
        for one, known in zip(found, facts, strict=True)
    ]


def _labels() -> dict[NoticeKind, str]:
    return {
        NoticeKind.FAILED: _("A tweet failed"),
        NoticeKind.HELD: _("A tweet that was due waits"),
        NoticeKind.REVIEW: _("Only you can tell whether a tweet went out"),
        NoticeKind.ACCESS_ENDING: _("Access to an account will end before a tweet is due"),
        NoticeKind.ACCESS_ENDED: _("Access to an account has ended before a tweet is due"),
        NoticeKind.PUBLISHED: _("A tweet was published"),
        NoticeKind.DIGEST: _("Every Monday: your week in numbers"),
    }
