"""A person's time zone, language, week and hobbies, and how late a tweet may still be sent."""

from __future__ import annotations

from typing import Any

from babel.dates import get_day_names
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app import learning, mail, notices, push, tweet_files
from app.db import db
from app.models import interest
from app.web import rate_limits, schemas
from app.web.errors import gives_back
from app.web.i18n import LOCALES
from app.web.messages import input_refusal, usage_of
from app.when import WhenProblem, usual_week_start, zone_named, zone_names

bp = Blueprint("settings", __name__)

HOUR = 3600
MAX_TOLERANCE = 7 * 24
FIELDS = {"timezone", "locale", "late_tolerance_hours", "hobbies", "week_start"}
OFFERED_DAYS = (1, 6, 7)
"""On which weeks begin in nearly all countries: Monday, Saturday, Sunday."""


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
            "hobbies": current_user.hobbies or "",
            "week_start": str(current_user.week_start or ""),
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
    typed = {name: request.form.get(name, "")[: _most(name)] for name in FIELDS}
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
    if form["week_start"]:
        if form["week_start"] not in set("1234567"):
            unknown = schemas.Invalid("bad_week_start", "week_start")
            errors["week_start"] = input_refusal(unknown)[2]
        else:
            current_user.week_start = int(form["week_start"])
    elif form["week_start"] is not None:  # programs may leave it out
        current_user.week_start = None
    if not errors:
        _store_hobbies(form["hobbies"])
        learning.best_hours.zone_changed(current_user.id)
        notices.digests.zone_changed(current_user)
        db.session.commit()
    return errors


def _store_hobbies(typed: str | None) -> None:
    """Store hobbies, unless a program left them out, and let suggestions follow from them."""
    hobbies = None if typed is None else learning.hobbies.cleaned(typed)
    if typed is None or hobbies == current_user.hobbies:
        return
    interest.stale(current_user.id)
    current_user.hobbies = hobbies
    learning.suggestions.keep_hobbies(current_user.id, hobbies)


def _week_days(form: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the first days of a week to choose from, with the name of each."""
    names = get_day_names("wide", locale=get_locale())
    usual = usual_week_start(current_user.zone, str(get_locale()))
    chosen = {int(form["week_start"])} if form["week_start"] in set("1234567") else set()
    as_there = _("As in your country (%(day)s)", day=names[usual - 1])
    return [
        ("", as_there),
        *((str(day), names[day - 1]) for day in sorted({*OFFERED_DAYS} | chosen)),
    ]


def _most(name: str) -> int:
    """Return how many characters of a field are given back."""
    return learning.hobbies.MAX_TYPED if name == "hobbies" else schemas.MAX_NAME


def _page(form: dict[str, Any]) -> str:
    return render_template(
        "settings/index.html",
        form=form,
        timezones=zone_names(),
        locales=list(LOCALES.items()),
        week_days=_week_days(form),
        usage=usage_of(current_user.id),
        has_feed=tweet_files.feed.has_one(current_user.id),
        push_key=push.public_key(),
        push_service=push.url_of(current_user.id),
        mail_is_offered=mail.is_offered(),
        email=mail.addresses.of(current_user.id),
        max_typed_hobbies=learning.hobbies.MAX_TYPED,
    )
