"""Where a person is signed in, what happened to their account, and ending sessions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from babel.dates import get_timezone_location
from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_login import current_user, login_required
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import audit
from app.accounts import sessions as signing_in
from app.db import rollback_quietly
from app.models import AuditEvent, EventKind, UserSession
from app.web import browsers, rate_limits, schemas, sessions
from app.web.context import networks
from app.web.errors import wants_json
from app.web.i18n import iso_utc
from app.web.schemas import LARGEST_ID

bp = Blueprint("sessions", __name__)


def init_app(app: Flask) -> None:
    """Let every page tell what happened elsewhere."""
    app.context_processor(lambda: {"notices": _notices})


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
    if session_id > LARGEST_ID or not signing_in.end(user_id, session_id, sessions.visit()):
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
    """Show no more what happened up to an event: its person has read it here."""
    up_to = schemas.body(schemas.SeenForm).up_to
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
        "place": place_of(one.zone),
        "address": one.address,
        "signed_in_at": one.signed_in_at,
        "seen_at": one.seen_at,
        "is_current": is_current,
    }


def place_of(zone: str) -> str:
    """Return where a time zone is, such as "Berlin"; "" when it does not say."""
    if "/" not in zone or zone.startswith("Etc/"):
        return ""
    place = str(get_timezone_location(zone, locale=get_locale(), return_city=True))
    return place or zone.rpartition("/")[2].replace("_", " ")


def _event_view(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at,
        "words": _words_of(event),
        "browser": browsers.in_words(event.browser),
        "address": event.address,
    }


def _words_of(event: AuditEvent) -> str:
    site = networks().get(event.network)
    names = {"handle": event.handle, "network": site.title if site else event.network}
    account = _("@%(handle)s on %(network)s", **names)
    words = {
        EventKind.SIGNED_IN: _("Signed in with %(account)s", account=account),
        EventKind.SIGNED_IN_NEW_BROWSER: _(
            "Signed in with %(account)s, in a browser that was new here", account=account
        ),
        EventKind.SIGN_IN_REFUSED: _("Refused to sign in with %(account)s", account=account),
        EventKind.SIGNED_OUT: _("Signed out"),
        EventKind.SESSION_ENDED: _("Ended a session"),
        EventKind.ACCOUNT_ADDED: _("Connected %(account)s", account=account),
        EventKind.ACCOUNT_RENEWED: _("Reconnected %(account)s", account=account),
        EventKind.ACCOUNT_DISCONNECTED: _("Disconnected %(account)s", account=account),
        EventKind.SIGNS_IN_ON: _("Allowed %(account)s to sign in", account=account),
        EventKind.SIGNS_IN_OFF: _("Stopped %(account)s from signing in", account=account),
    }
    return words.get(EventKind(event.kind), "")


def _notices() -> list[dict[str, Any]]:
    """Return what happened to the person's account elsewhere and was not read here yet."""
    if not current_user.is_authenticated:
        return []
    try:
        return [_event_view(event) for event in audit.unseen_in(sessions.here())]
    except SQLAlchemyError:
        rollback_quietly()
        return []
