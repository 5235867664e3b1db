"""Series: their list, one of them, and what its owner does to it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from app.db import db
from app.models import series as rows
from app.planning import repeating
from app.web import rate_limits, schemas
from app.web.errors import refuse
from app.web.messages import REFUSALS, input_refusal
from app.web.schemas import calls
from app.web.series import payload, views

bp = Blueprint("series", __name__)

PAGE = 50


@bp.get("/series")
@rate_limits.reads
@login_required
def index() -> ResponseReturnValue:
    """List somebody's series, the newest first."""
    asked = schemas.query(calls.ListQuery)
    found = rows.listed(current_user.id, asked.before, PAGE + 1)
    following = found[PAGE - 1].id if len(found) > PAGE else None
    listed = [views.plain(one, views.SHOWN_IN_LISTS) for one in found[:PAGE]]
    return jsonify(series=listed, next=following)


@bp.post("/series")
@rate_limits.writes
@login_required
def create() -> ResponseReturnValue:
    """Make a series, and its first tweets."""
    given = schemas.body(calls.NewSeries).model_dump(exclude_unset=True)
    submit_id = schemas.key_in_header() or given.get("submit_id") or None
    try:
        wish = payload.wish_of(given)
        series = repeating.create(current_user, wish, submit_id)
    except REFUSALS as problem:
        return _refuse_input(problem)
    return jsonify(series=views.plain(series), warnings=views.warnings_of(wish.accounts)), 201


@bp.get("/series/<int:series_id>")
@rate_limits.reads
@login_required
def show(series_id: int) -> ResponseReturnValue:
    """Show one series with what comes next."""
    return jsonify(series=views.plain(own(series_id)))


@bp.patch("/series/<int:series_id>")
@rate_limits.writes
@login_required
def change(series_id: int) -> ResponseReturnValue:
    """Change a series, from now on or from one of its times on."""
    series = own(series_id)
    given = schemas.body(calls.SeriesChange).model_dump(exclude_unset=True)
    try:
        wish, is_another = payload.changed(series, given)
        since = payload.since_of(given.get("since"))
        changed = repeating.change(series, wish, since, new_rule=is_another)
    except REFUSALS as problem:
        return _refuse_input(problem)
    return jsonify(series=views.plain(changed), warnings=views.warnings_of(wish.accounts))


@bp.delete("/series/<int:series_id>")
@rate_limits.writes
@login_required
def end(series_id: int) -> ResponseReturnValue:
    """Cancel what waits of a series: all of it, or from one of its times on."""
    series = own(series_id)
    since = payload.since_of(_since())
    repeating.end(series, since)
    if since is None:
        return "", 204
    return jsonify(series=views.plain(series))


def _since() -> str | None:
    """Return ``from``, of the body or of the address."""
    if "from" in request.args:
        given: dict[str, Any] = {"from": request.args["from"]}
        return schemas.checked(calls.SeriesEnd, given).since
    return schemas.body(calls.SeriesEnd).since


def own(series_id: int) -> rows.Series:
    """Return the signed-in user's own series; somebody else's does not exist."""
    found = rows.owned(current_user.id, series_id) if series_id <= schemas.LARGEST_ID else None
    if found is None:
        abort(404)
    return found


def _refuse_input(problem: Exception) -> ResponseReturnValue:
    db.session.rollback()
    field, code, message = input_refusal(problem)
    return refuse(422, code, message, field=field or None)
