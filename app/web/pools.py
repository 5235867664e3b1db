"""Pools over HTTP: texts that go out again and again in free slots."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app.db import db
from app.models import Account, Pool, pool
from app.planning import pools
from app.web import rate_limits, schemas
from app.web.context import networks
from app.web.errors import refuse, wants_json
from app.web.i18n import iso_utc
from app.web.messages import REFUSALS, input_refusal
from app.web.messages import series as sentences
from app.web.tweets import views

bp = Blueprint("pools", __name__)

PAGE = 50
DAY = 86_400
_BETWEEN = re.compile(r"\r?\n[ \t]*\r?\n")


@bp.get("/pools")
@rate_limits.reads
@login_required
def index() -> ResponseReturnValue:
    """List somebody's pools, the newest first."""
    asked = schemas.query(schemas.calls.ListQuery)
    found = pool.listed(current_user.id, asked.before, PAGE + 1)
    following = found[PAGE - 1].id if len(found) > PAGE else None
    if wants_json():
        return jsonify(pools=[_plain(row) for row in found[:PAGE]], next=following)
    return _page(found[:PAGE], following)


@bp.post("/pools")
@rate_limits.writes
@login_required
def create() -> ResponseReturnValue:
    """Make a pool."""
    given = schemas.body(schemas.pools.NewPool) if request.is_json else _typed()
    try:
        (account,) = current_user.chosen([given.account] if given.account else None)
        rest_s = given.rest_s or pool.USUAL_REST_SECONDS
        submit_id = schemas.key_in_header() or given.submit_id
        tweets = _as_given(given.tweets)
        row = pools.create(current_user.id, account, rest_s, tweets, submit_id)
    except REFUSALS as problem:
        return _refused(problem)
    if wants_json():
        return jsonify(pool=_plain(row), warnings=_warnings(row, account)), 201
    flash(_("Saved. Free slots of the next day are filled within minutes."))
    return redirect(url_for("pools.index"), 303)


@bp.get("/pools/<int:pool_id>")
@rate_limits.reads
@login_required
def show(pool_id: int) -> ResponseReturnValue:
    """Show one pool; people see it in the list."""
    row = _own(pool_id)
    if wants_json():
        return jsonify(pool=_plain(row))
    return redirect(f"{url_for('pools.index')}#pool-{row.id}")


@bp.patch("/pools/<int:pool_id>")
@rate_limits.writes
@login_required
def change(pool_id: int) -> ResponseReturnValue:
    """Change how long the texts of a pool rest, or which there are."""
    row = _own(pool_id)
    given = schemas.body(schemas.pools.PoolChange)
    if given.rest_s is None and given.tweets is None:
        raise schemas.Invalid("nothing_to_change")
    try:
        _change(row, given.rest_s, given.tweets)
    except REFUSALS as problem:
        return _refused(problem)
    account = db.session.get_one(Account, row.account_id)
    return jsonify(pool=_plain(row), warnings=_warnings(row, account))


@bp.post("/pools/<int:pool_id>")
@rate_limits.writes
@login_required
def save(pool_id: int) -> ResponseReturnValue:
    """Do the same as a form."""
    row, given = _own(pool_id), _typed()
    try:
        _change(row, given.rest_s, given.tweets)
    except REFUSALS as problem:
        return _refused(problem, row.id)
    flash(_("Saved."))
    return redirect(url_for("pools.index"), 303)


@bp.delete("/pools/<int:pool_id>")
@rate_limits.writes
@login_required
def delete(pool_id: int) -> ResponseReturnValue:
    """Delete a pool; what it has put into the queue stays there."""
    pools.remove(_own(pool_id))
    return "", 204


@bp.post("/pools/<int:pool_id>/delete")
@rate_limits.writes
@login_required
def remove(pool_id: int) -> ResponseReturnValue:
    """Do the same as a form."""
    pools.remove(_own(pool_id))
    flash(_("The pool is deleted. What it has put into the queue stays there."))
    return redirect(url_for("pools.index"), 303)


def _change(
    row: Pool, rest_s: int | None, tweets: Sequence[str | schemas.pools.Tweet] | None
) -> None:
    account = db.session.get_one(Account, row.account_id)
    given = None if tweets is None else pools.checked(account, _as_given(tweets))
    pools.change(row, rest_s, given)


def _as_given(tweets: Sequence[str | schemas.pools.Tweet]) -> list[dict[str, Any]]:
    return [
        {"text": one, "pictures": None} if isinstance(one, str) else one.model_dump()
        for one in tweets
    ]


def _own(pool_id: int) -> Pool:
    row = pool.own(current_user.id, pool_id) if pool_id <= schemas.LARGEST_ID else None
    if row is None:
        abort(404)
    return row


def _typed() -> schemas.pools.NewPool:
    """Return a form in the shape of JSON; raises Invalid."""
    form = schemas.form(schemas.pools.PoolForm)
    texts = [one.strip() for one in _BETWEEN.split(form.texts) if one.strip()]
    if not texts:
        raise schemas.Invalid("missing", "texts", name=_("Texts"))
    rest_s = None if form.rest_days is None else form.rest_days * DAY
    if rest_s is not None and not DAY <= rest_s <= pool.MAX_REST_SECONDS:
        raise schemas.Invalid("bad_rest", "rest_days", limit=pool.MAX_REST_SECONDS // DAY)
    if len(texts) > pool.MAX_IN_POOL:
        raise schemas.Invalid("too_many", "texts", limit=pool.MAX_IN_POOL)
    first = next((one for one in form.accounts if isinstance(one, int)), None)
    return schemas.pools.NewPool(
        account=first, rest_s=rest_s, tweets=texts, submit_id=form.submit_id
    )


def _refused(problem: Exception, pool_id: int | None = None) -> ResponseReturnValue:
    db.session.rollback()
    field, code, message = input_refusal(problem)
    if wants_json():
        return refuse(422, code, message, field=field or None)
    found = pool.listed(current_user.id, None, PAGE)
    return _page(found, None, message, pool_id), 422


def _warnings(row: Pool, account: Account) -> list[dict[str, str]]:
    """Return what a network may refuse: X a text that it had before, in the same words."""
    if account.network == "x" and pools.repeats_itself(row):
        return [{"code": "identical_text", "message": sentences.same_words()}]
    return []


def _plain(row: Pool) -> dict[str, Any]:
    """Return a pool as programs see it."""
    return {
        "id": row.id,
        "account": row.account_id,
        "rest_s": row.rest_s,
        "tweets": [
            {
                "id": one.id,
                "text": one.text,
                "pictures": one.pictures or [],
                "last_at": one.last_at and iso_utc(one.last_at),
            }
            for one in row.tweets
        ],
    }


def _with_pictures(row: Pool) -> list[dict[str, Any]]:
    """Return what is shown of the tweets of a pool that have pictures."""
    parts = [{"text": one.text, "pictures": one.pictures} for one in row.tweets if one.pictures]
    return views.part_views(parts)


def _page(
    found: Sequence[Pool], following: int | None, error: str = "", wrong_id: int | None = None
) -> str:
    """Return the page of all pools.

    :param wrong_id: the pool whose form was refused, None for the form of a new one.
    """
    mine = db.session.scalars(db.select(Account).where(Account.user_id == current_user.id))
    known = {one.id: one for one in mine}
    return render_template(
        "queue/pools.html",
        pools=[(row, known[row.account_id], _with_pictures(row)) for row in found],
        accounts=current_user.accounts,
        titles={name: network.title for name, network in networks().items()},
        next=following,
        error=error,
        wrong_id=wrong_id,
        typed=request.form if error else {},
        submit_id=str(uuid.uuid4()),
        usual_days=pool.USUAL_REST_SECONDS // DAY,
    )
