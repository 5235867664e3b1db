"""Leaving: asked once more, possible to take back for some days, then for good."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app.accounts import deletion
from app.web import rate_limits, schemas, sessions
from app.web.errors import refuse, wants_json
from app.web.i18n import exact_time, iso_utc

bp = Blueprint("deletion", __name__)

DAY = 86_400


@bp.get("/me/delete")
@rate_limits.reads
@login_required
def ask() -> ResponseReturnValue:
    """Say what is deleted and when, and ask."""
    days = round(current_app.config["DELETE_AFTER"] / DAY)
    return render_template("settings/delete.html", days=days, delete_at=current_user.delete_at)


@bp.delete("/me")
@bp.post("/me/delete")
@rate_limits.writes
@login_required
def begin() -> ResponseReturnValue:
    """Delete somebody after some days, in which nothing of theirs goes out."""
    if schemas.body(schemas.calls.DeleteMe).confirm != "delete":
        raise schemas.Invalid("confirm_deletion", "confirm")
    at = deletion.begin(current_user.id, sessions.visit())
    if wants_json():
        return jsonify(delete_at=iso_utc(at)), 202
    flash(_("Your account is deleted on %(when)s.", when=exact_time(at, seconds=False)))
    return redirect(url_for("settings.show"), 303)


@bp.post("/me/keep")
@rate_limits.writes
@login_required
def keep() -> ResponseReturnValue:
    """Let somebody stay; what was due meanwhile asks them."""
    schemas.body(schemas.calls.Nothing)
    if not deletion.keep(current_user.id, sessions.visit()):
        return refuse(409, "deleted", _("It is too late: your account is being deleted."))
    if wants_json():
        return jsonify(delete_at=None)
    flash(_("Your account stays. What was due meanwhile waits for you."))
    return redirect(url_for("settings.show"), 303)
