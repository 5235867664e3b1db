"""Where a person is signed in, what happened to their account, and ending sessions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from babel.dates import get_timezone_location
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_login import current_user, login_required
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import audit
from app.accounts import sessions as signing_in
from app.db import rollback_quietly
from app.models import AuditEvent, UserSession
from app.web import browsers, messages, rate_limits, schemas, sessions
from app.web.context import networks
from app.web.errors import wants_json
from app.web.i18n import iso_utc

bp = Blueprint("sessions", __name__)


@bp.app_context_processor
def _shared() -> dict[str, Any]:
    """Let every page show what happened to the account in other browsers."""
    return {"notices": _notices}


@bp.get("/settings/sessions")
@rate_limits.reads
@login_required
def index() -> ResponseReturnValue:
    """List the sessions of the person, and what happened lately."""
    here, mine = sessions.here(), signing_in.sessions_of(current_user.id)
    if wants_json():
        return {"sessions": [_plain(one, one.id == here.id) for one in mine]}
    return render_template(
        "settings/sessions.html",
        sessions=[_view(one, one.id == here.id) for one in mine],
        events=[_event_view(event) for event in audit.latest_of(current_user.id)],
    )


@bp.post("/settings/sessions/<int:session_id>/end")
@rate_limits.writes
@login_required
def end(session_id: int) -> ResponseReturnValue:
    """End one session: whoever has its cookie is signed out."""
    here, user_id = sessions.here(), current_user.id
    if session_id > schemas.LARGEST_ID or not signing_in.end(user_id, session_id, sessions.visit()):
        abort(404)
    if session_id == here.id:
        sessions.forget()
        return _ended(1, url_for("tweets.index"))
    return _ended(1, url_for("sessions.index"))


@bp.post("/settings/sessions/end")
@rate_limits.writes
@login_required
def end_others() -> ResponseReturnValue:
    """End all sessions but this one."""
    ended = signing_in.end_others(sessions.here(), sessions.visit())
    return _ended(ended, url_for("sessions.index"))


@bp.post("/settings/sessions/seen")
@rate_limits.writes
@login_required
def seen() -> ResponseReturnValue:
    """Hide what happened up to an event: the person has read it in this browser."""
    up_to = schemas.body(schemas.calls.SeenForm).up_to
    signing_in.read_notices(sessions.here(), up_to)
    if wants_json():
        return {"ok": True}
    return redirect(_way_back(), 303)


def _way_back() -> str:
    """Return the page of ours that the person came from."""
    came_from = urlsplit(request.referrer or "")
    is_ours = came_from.netloc == request.host and not came_from.path.startswith(("//", "/\\"))
    return came_from.path if is_ours and came_from.path else url_for("tweets.index")


def _ended(count: int, way: str) -> ResponseReturnValue:
    words = ngettext("%(num)s session was ended.", "%(num)s sessions were ended.", count)
    if wants_json():
        return {"ended": count, "message": words}
    flash(words)
    return redirect(way, 303)


def _plain(one: UserSession, is_current: bool) -> dict[str, Any]:
    return {
        "id": one.id,
        "browser": one.browser,
        "signed_in_at": iso_utc(one.signed_in_at),
        "seen_at": iso_utc(one.seen_at),
        "current": is_current,
    }


def _view(one: UserSession, is_current: bool) -> dict[str, Any]:
    return {
        "id": one.id,
        "browser": browsers.in_words(one.browser),
        "place": city_of(one.zone),
        "address": one.address,
        "signed_in_at": one.signed_in_at,
        "seen_at": one.seen_at,
        "is_current": is_current,
    }


def city_of(zone: str) -> str:
    """Return the city of a time zone, such as "Berlin"; "" when its name has none."""
    if "/" not in zone or zone.startswith("Etc/"):
        return ""
    city = str(get_timezone_location(zone, locale=get_locale(), return_city=True))
    return city or zone.rpartition("/")[2].replace("_", " ")


def _event_view(event: AuditEvent) -> dict[str, Any]:
    site = networks().get(event.network)
    return {
        "id": event.id,
        "at": event.at,
        "words": messages.connect.event_words(event, site.title if site else event.network),
        "browser": browsers.in_words(event.browser),
        "address": event.address,
    }


def _notices() -> list[dict[str, Any]]:
    """Return what happened to the person's account elsewhere and was not read here yet."""
    if not current_user.is_authenticated:
        return []
    try:
        return [_event_view(event) for event in audit.unseen_in(sessions.here())]
    except SQLAlchemyError:
        rollback_quietly()
        return []
