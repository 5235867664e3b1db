"""The secret address of a calendar: made in the settings, read by other programs."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app import tweet_files
from app.web import rate_limits, schemas
from app.web.errors import wants_json

bp = Blueprint("calendar_feed", __name__)


@bp.post("/settings/calendar-feed")
@rate_limits.writes
@login_required
def create() -> ResponseReturnValue:
    """Make a secret address, and end the one before; it is shown this once."""
    schemas.body(schemas.calls.Nothing)
    secret = tweet_files.feed.new_secret(current_user.id)
    url = current_app.config["SITE_URL"] + url_for("calendar_feed.show", secret=secret)
    if wants_json():
        return jsonify(url=url)
    return render_template("settings/calendar_feed.html", url=url)


@bp.delete("/settings/calendar-feed")
@rate_limits.writes
@login_required
def delete() -> ResponseReturnValue:
    """Switch it off: the address is a 404 from now on. Without one nothing changes."""
    tweet_files.feed.end(current_user.id)
    return "", 204


@bp.post("/settings/calendar-feed/delete")
@rate_limits.writes
@login_required
def remove() -> ResponseReturnValue:
    """Do the same as a form."""
    tweet_files.feed.end(current_user.id)
    flash(_("The calendar feed is off. Its address no longer works."))
    return redirect(url_for("settings.show"), 303)


@bp.get("/calendar/<secret>.ics")
@rate_limits.reads
def show(secret: str) -> ResponseReturnValue:
    """Give whoever knows the address the calendar."""
    user_id = tweet_files.feed.owner_of(secret)
    if user_id is None:
        abort(404)
    pieces = tweet_files.feed.as_calendar(user_id, current_app.config["SITE_URL"])
    response = Response(stream_with_context(pieces), mimetype="text/calendar")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
