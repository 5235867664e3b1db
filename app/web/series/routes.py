"""Series: their list, one of them, and what its owner does to it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app.db import db
from app.models import StoredPart, Tweet
from app.models import series as rows
from app.networks import TextProblem
from app.planning import Wish, repeating
from app.web import rate_limits, schemas
from app.web.errors import refuse, wants_json
from app.web.messages import REFUSALS, input_refusal
from app.web.series import forms, payload, views
from app.web.tweets import picked
from app.web.tweets import routes as tweets
from app.web.tweets import views as contents

bp = Blueprint("series", __name__)

PAGE = 50


@bp.get("/series")
@rate_limits.reads
@login_required
def index() -> ResponseReturnValue:
    """List somebody's series, the newest first."""
    asked = schemas.query(schemas.calls.ListQuery)
    found = rows.listed(current_user.id, asked.before, PAGE + 1)
    following = found[PAGE - 1].id if len(found) > PAGE else None
    if wants_json():
        listed = [views.plain(one, views.SHOWN_IN_LISTS) for one in found[:PAGE]]
        return jsonify(series=listed, next=following)
    shown = [views.card(one, views.SHOWN_IN_LISTS) for one in found[:PAGE]]
    return render_template("series/index.html", listed=shown, next=following)


@bp.get("/series/new")
@rate_limits.reads
@login_required
def new() -> ResponseReturnValue:
    """Show the form, empty or with what a tweet says."""
    asked = schemas.query(schemas.series.NewSeriesQuery).tweet
    return _new_page(forms.empty(_tweet_of(asked)) | {"submit_id": str(uuid.uuid4())})


def _tweet_of(typed: str | None) -> Tweet | None:
    """Return the tweet that a series is made of; None for none, 404 for somebody else's."""
    return tweets.own(int(typed)) if typed and typed.isascii() and typed.isdigit() else None


@bp.post("/series")
@rate_limits.writes
@login_required
def create() -> ResponseReturnValue:
    """Make a series, and its first tweets."""
    form: schemas.series.SeriesForm | None = None
    if request.is_json:
        given = schemas.body(schemas.series.NewSeries).model_dump(exclude_unset=True)
    else:
        form = schemas.form(schemas.series.SeriesForm)
        given = {"submit_id": form.submit_id}
    submit_id = schemas.key_in_header() or given.get("submit_id") or None
    try:
        if form is not None:
            given = forms.new_of(form, _tweet_of(form.tweet))
        wish = payload.wish_of(given)
        series = _made(wish, payload.signed(wish, given), submit_id)
    except REFUSALS as problem:
        if form is None or wants_json():
            return _refuse_input(problem)
        return _new_page(_with_error(form, problem)), 422
    if form is None or wants_json():
        return jsonify(series=views.plain(series), warnings=views.warnings_of(wish.accounts)), 201
    flash(_("Saved. The first tweets are in your list."))
    return redirect(url_for("series.show", series_id=series.id), 303)


def _made(said: Wish, signed: Wish, submit_id: str | None) -> rows.Series:
    try:
        return repeating.create(current_user, signed, submit_id)
    except TextProblem as problem:
        raise picked.too_long(problem, said.draft, signed.draft) from None


@bp.get("/series/<int:series_id>")
@rate_limits.reads
@login_required
def show(series_id: int) -> ResponseReturnValue:
    """Show one series with what comes next."""
    series = own(series_id)
    if wants_json():
        return jsonify(series=views.plain(series))
    return _page(series, forms.of_series(series))


@bp.patch("/series/<int:series_id>")
@rate_limits.writes
@login_required
def change(series_id: int) -> ResponseReturnValue:
    """Change a series, from now on or from one of its times on."""
    series = own(series_id)
    given = schemas.body(schemas.series.SeriesChange).model_dump(exclude_unset=True)
    try:
        changed, accounts = _change(series, given)
    except REFUSALS as problem:
        return _refuse_input(problem)
    return jsonify(series=views.plain(changed), warnings=views.warnings_of(accounts))


@bp.post("/series/<int:series_id>")
@rate_limits.writes
@login_required
def save(series_id: int) -> ResponseReturnValue:
    """Do the same as a form."""
    series = own(series_id)
    form = schemas.form(schemas.series.SeriesForm)
    try:
        changed, _accounts = _change(series, forms.change_of(series, form))
    except REFUSALS as problem:
        return _page(own(series_id), _with_error(form, problem)), 422
    flash(_("Saved."))
    return redirect(url_for("series.show", series_id=changed.id), 303)


def _change(series: rows.Series, given: Any) -> tuple[rows.Series, Any]:
    wish, is_another = payload.changed(series, given)
    since = payload.since_of(given.get("since"))
    try:
        return repeating.change(series, wish, since, new_rule=is_another), wish.accounts
    except repeating.UnknownSeries:
        abort(404)


@bp.delete("/series/<int:series_id>")
@rate_limits.writes
@login_required
def delete(series_id: int) -> ResponseReturnValue:
    """Cancel what waits of a series: all of it, or from one of its times on."""
    series = own(series_id)
    since = payload.since_of(_since())
    repeating.end(series, since)
    if since is None:
        return "", 204
    return jsonify(series=views.plain(series))


@bp.post("/series/<int:series_id>/end")
@rate_limits.writes
@login_required
def end(series_id: int) -> ResponseReturnValue:
    """Do the same as a form."""
    series = own(series_id)
    since = payload.since_of(schemas.form(schemas.series.SeriesEndForm).since)
    repeating.end(series, since)
    if since is None:
        flash(_("The series is deleted. Nothing more of it is sent."))
        return redirect(url_for("series.index"), 303)
    flash(_("Cancelled from that time on."))
    return redirect(url_for("series.show", series_id=series_id), 303)


def _since() -> str | None:
    """Return ``from``, of the body or of the address."""
    if "from" in request.args:
        given: dict[str, Any] = {"from": request.args["from"]}
        return schemas.checked(schemas.series.SeriesEnd, given).since
    return schemas.body(schemas.series.SeriesEnd).since


def own(series_id: int) -> rows.Series:
    """Return the signed-in user's own series; somebody else's does not exist."""
    found = rows.owned(current_user.id, series_id) if series_id <= schemas.LARGEST_ID else None
    if found is None:
        abort(404)
    return found


def _with_error(form: schemas.series.SeriesForm, problem: Exception) -> dict[str, Any]:
    """Return a form as it was typed, with what is wrong."""
    db.session.rollback()
    field, _code, message = input_refusal(problem)
    shown_at = field if field in {"text", "accounts", "signature", "rrule", "start"} else ""
    return {**form.model_dump(), "errors": {shown_at: message}}


def _new_page(form: dict[str, Any]) -> str:
    tweet = _tweet_of(form["tweet"])
    return render_template(
        "series/new.html",
        form=form,
        parts=_fields(form, contents.shared_parts(tweet) if tweet else ()),
        accounts=current_user.accounts,
        presets=picked.composed(current_user.accounts),
        choices=forms.choices(),
    )


def _fields(form: Mapping[str, Any], stored: Sequence[StoredPart]) -> list[dict[str, Any]]:
    """Return each part as it was typed, with the pictures that it has."""
    pictures = [part["pictures"] for part in stored]
    texts = [form["text"], *form["part"]]
    pictures += [[]] * (len(texts) - len(pictures))
    both = zip(texts, pictures, strict=False)
    return contents.part_views([{"text": text, "pictures": own} for text, own in both])


def _page(series: rows.Series, form: dict[str, Any]) -> str:
    return render_template(
        "series/series.html",
        one=views.card(series),
        form=form,
        parts=_fields(form, series.parts),
        choices=forms.choices(),
    )


def _refuse_input(problem: Exception) -> ResponseReturnValue:
    db.session.rollback()
    field, code, message = input_refusal(problem)
    return refuse(422, code, message, field=field or None)
