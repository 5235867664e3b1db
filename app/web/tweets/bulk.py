"""One action for many tweets. Each is a transaction of its own, through its owner's verbs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user, login_required

from app import broker
from app.db import db, utcnow
from app.models import AlreadyBeingSent, Tweet
from app.states import State
from app.web import rate_limits, schemas
from app.web.errors import refuse, wants_json
from app.web.i18n import exact_time
from app.web.messages import REFUSALS, input_refusal
from app.web.schemas import calls, typed
from app.web.tweets import forms

bp = Blueprint("bulk", __name__)

Skipped = list[dict[str, Any]]


@bp.post("/tweets/bulk")
@rate_limits.writes
@login_required
def act() -> ResponseReturnValue:
    """Cancel, retry or move tweets; say which were changed, and why the others were not."""
    given = schemas.body(calls.Bulk) if request.is_json else schemas.form(typed.BulkForm)
    tweet_ids = list(dict.fromkeys(given.tweet_ids))
    if isinstance(given, typed.BulkForm) and tweet_ids and _must_ask(given):
        return _ask_first(given, tweet_ids)
    try:
        at = _time_of(given)
    except REFUSALS as problem:
        field, code, message = input_refusal(problem)
        back = {"url": _back(given), "label": _("To your tweets")}
        return refuse(422, code, message, field=field or None, action=back)
    done, skipped = _act_on(tweet_ids, given.action, at)
    words = _said(given.action, len(done), len(skipped), at)
    if wants_json():
        return jsonify(done=done, skipped=skipped, message=words)
    flash(words)
    return redirect(_back(given), 303)


def _time_of(given: calls.Bulk | typed.BulkForm) -> datetime:
    """Return the time for all of them. In a form, an empty field is none, and retries now."""
    words = given.when if request.is_json else given.when or None
    is_now = given.action == "cancel" or (given.action == "retry" and words is None)
    return utcnow() if is_now else forms.time_said(words or "")


def _act_on(tweet_ids: Sequence[int], action: str, at: datetime) -> tuple[list[int], Skipped]:
    user_id, revived = current_user.id, []
    done: list[int] = []
    skipped: Skipped = []
    for tweet_id in tweet_ids:
        tweet = _own(user_id, tweet_id)
        if tweet is None:
            skipped.append({"id": tweet_id, "code": "not_found"})
            continue
        try:
            revived += _do(tweet, action, at)
            done.append(tweet_id)
        except AlreadyBeingSent:
            skipped.append({"id": tweet_id, "code": _why_not(tweet, action)})
    if at <= utcnow():
        broker.notify_jobs(revived)
    return done, skipped


def _do(tweet: Tweet, action: str, at: datetime) -> list[str]:
    """Change one tweet, and commit; return the jobs to notify workers of.

    :raises AlreadyBeingSent: nothing was changed.
    """
    if action == "reschedule":
        return tweet.reschedule(at)
    if action == "retry":  # what may be there is asked about one by one
        return tweet.retry(due_at=at, only_failed=True)
    tweet.cancel()
    return []


def _own(user_id: int, tweet_id: int) -> Tweet | None:
    """Return a tweet as it is now; None for somebody else's, and for a number that is no id."""
    if not 0 < tweet_id <= schemas.LARGEST_ID:
        return None
    mine = db.select(Tweet).where(Tweet.id == tweet_id, Tweet.user_id == user_id)
    return db.session.scalar(mine)


def _why_not(tweet: Tweet, action: str) -> str:
    states = {delivery.state for delivery in tweet.deliveries}
    looks = action == "retry" and State.REVIEW in states
    return "look_first" if looks else "already_being_sent"


def _must_ask(given: typed.BulkForm) -> bool:
    return given.action == "cancel" and not given.confirmed and not wants_json()


def _ask_first(given: typed.BulkForm, tweet_ids: list[int]) -> str:
    """Return the page that says how many would be cancelled; nothing is changed."""
    fields = _place(given) | {"action": given.action, "confirmed": 1}
    return render_template(
        "tweets/sure.html", tweet_ids=tweet_ids, fields=fields, back_url=_back(given)
    )


def _place(given: typed.BulkForm) -> dict[str, Any]:
    names = ("tab", "q", "account", "before")
    return {name: value for name in names if (value := getattr(given, name)) not in {None, ""}}


def _back(given: calls.Bulk | typed.BulkForm) -> str:
    """Return the address of the part of the list that the form was on."""
    place = _place(given) if isinstance(given, typed.BulkForm) else {}
    return url_for("lists.show" if set(place) - {"before"} else "tweets.index", **place)


def _said(action: str, done: int, skipped: int, at: datetime) -> str:
    """Say how many were changed, and how many were not."""
    if not done and not skipped:
        return _("Nothing was ticked.")
    sentences = [_said_done(action, done, at)] if done else []
    if skipped:
        left = ngettext(
            "%(num)s tweet stays as it is: it has changed meanwhile, or this cannot be done to it.",
            "%(num)s tweets stay as they are: they have changed meanwhile, or this cannot be done "
            "to them.",
            skipped,
        )
        sentences.append(left)
    return " ".join(sentences)


def _said_done(action: str, done: int, at: datetime) -> str:
    if action == "cancel":
        return ngettext("%(num)s tweet is cancelled.", "%(num)s tweets are cancelled.", done)
    if at <= utcnow():
        return ngettext("%(num)s tweet is on its way.", "%(num)s tweets are on their way.", done)
    return ngettext(
        "%(num)s tweet is scheduled for %(when)s.",
        "%(num)s tweets are scheduled for %(when)s.",
        done,
        when=exact_time(at, seconds=False),
    )
