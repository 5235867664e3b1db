"""A person's time zone, language, and how late a tweet may still be sent."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app.db import db
from app.web import rate_limits, schemas
from app.web.errors import gives_back
from app.web.i18n import LOCALES
from app.web.messages import input_refusal, usage_of
from app.when import WhenProblem, zone_named, zone_names

bp = Blueprint("settings", __name__)

HOUR = 3600
MAX_TOLERANCE = 7 * 24
FIELDS = {"timezone", "locale", "late_tolerance_hours"}


@bp.get("/settings")
@rate_limits.reads
@login_required
def show() -> ResponseReturnValue:
    """Show the settings."""
    return _page(
        {
            "timezone": current_user.timezone or "UTC",
            "locale": current_user.locale or "",
            "late_tolerance_hours": f"{current_user.late_tolerance / HOUR:g}",
            "errors": {},
        }
    )


@bp.post("/settings")
@rate_limits.writes
@login_required
def save() -> ResponseReturnValue:
    """Store the settings, all or none."""
    try:
        given = schemas.form(schemas.calls.SettingsForm)
    except schemas.Invalid as problem:
        if problem.field not in FIELDS:
            raise
        return _again({problem.field: input_refusal(problem)[2]}), 422
    form = given.model_dump(include=FIELDS)
    errors = _store(form)
    if errors:
        db.session.rollback()
        return _page(form | {"errors": errors}), 422
    flash(_("Saved."))
    return redirect(url_for("settings.show"), 303)


def _again(errors: dict[str, str]) -> str:
    """Return the page with what was typed, and what is wrong with it."""
    typed = {name: request.form.get(name, "")[: schemas.MAX_NAME] for name in FIELDS}
    return _page(typed | {"errors": errors})


gives_back("settings.save", lambda message: (_again({"": message}), 400))


def _store(form: dict[str, Any]) -> dict[str, str]:
    errors: dict[str, str] = {}
    try:
        current_user.timezone = zone_named(form["timezone"]).key
    except WhenProblem as problem:
        errors["timezone"] = input_refusal(problem)[2]
    if form["locale"] and form["locale"] not in LOCALES:
        errors["locale"] = input_refusal(schemas.Invalid("unknown_locale", "locale"))[2]
    current_user.locale = form["locale"] or None
    if form["late_tolerance_hours"]:
        try:
            hours = float(form["late_tolerance_hours"].replace(",", "."))
        except ValueError:
            hours = -1
        if not 0.1 <= hours <= MAX_TOLERANCE:
            unknown = schemas.Invalid("bad_hours", "late_tolerance_hours")
            errors["late_tolerance_hours"] = input_refusal(unknown)[2]
        else:
            current_user.late_tolerance = round(hours * HOUR)
    if not errors:
        db.session.commit()
    return errors


def _page(form: dict[str, Any]) -> str:
    return render_template(
        "settings/index.html",
        form=form,
        timezones=zone_names(),
        locales=list(LOCALES.items()),
        usage=usage_of(current_user.id),
    )
