"""What an owner may still do to a tweet. Each answers 409 when a worker was quicker."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app import jobs
from app.db import db, utcnow
from app.models import Job, Tweet, drafts
from app.networks import text as texts
from app.web import forms, limits, sentences
from app.web.job_views import job_views
from app.web.locales import exact_time, iso_utc
from app.web.pages import account_views, tweet_views
from app.web.problems import refuse, wants_json
from app.web.tweets import own
from app.when import understand

bp = Blueprint("changes", __name__)


@bp.post("/tweets/<int:tweet_id>/cancel")
@limits.writes
@login_required
def cancel(tweet_id: int) -> ResponseReturnValue:
    """Take back a tweet that waits."""
    tweet = own(tweet_id)
    tweet.cancel(_job_id())
    return _done(tweet, _("Cancelled. Nothing is sent."))


@bp.post("/tweets/<int:tweet_id>/reschedule")
@limits.writes
@login_required
def reschedule(tweet_id: int) -> ResponseReturnValue:
    """Move a tweet that waits to another time; no time means now."""
    tweet = own(tweet_id)
    try:
        moment = understand(forms.read_tweet()["when"], current_user.zone, utcnow())
    except sentences.REFUSALS as problem:
        return _refuse_input(problem)
    job_ids = tweet.reschedule(moment.at)
    if moment.at <= utcnow():
        jobs.ring_for(job_ids)
        return _done(tweet, _("Your tweet is on its way."))
    return _done(tweet, _("Scheduled for %(when)s.", when=exact_time(moment.at, seconds=False)))


@bp.post("/tweets/<int:tweet_id>/retry")
@limits.writes
@login_required
def retry(tweet_id: int) -> ResponseReturnValue:
    """Send again what failed, or what its owner says did not arrive."""
    tweet = own(tweet_id)
    jobs.ring_for(tweet.retry(_job_id()))
    return _done(tweet, _("We try again."))


@bp.post("/tweets/<int:tweet_id>/confirm")
@limits.writes
@login_required
def confirm(tweet_id: int) -> ResponseReturnValue:
    """Take its owner's word that the tweet is there."""
    tweet = own(tweet_id)
    jobs.ring_for(tweet.confirm(_job_id()))
    return _done(tweet, _("Good. It counts as published."))


@bp.patch("/tweets/<int:tweet_id>")
@limits.writes
@login_required
def change(tweet_id: int) -> ResponseReturnValue:
    """Change text, time or both; what is left out stays."""
    tweet = own(tweet_id)
    try:
        _edit(tweet, *forms.read_change())
    except sentences.REFUSALS as problem:
        return _refuse_input(problem)
    return _done(tweet, _("Saved."))


@bp.get("/tweets/<int:tweet_id>/edit")
@limits.reads
@login_required
def edit(tweet_id: int) -> ResponseReturnValue:
    """Show the form for a change."""
    tweet = own(tweet_id)
    form = forms.empty() | {
        "text": tweet.text,
        "further": [part["text"] for part in tweet.parts[1:]],
        "variants": {d.account_id: d.parts for d in tweet.deliveries if d.parts},
        "when": _as_typed(tweet),
    }
    return _edit_page(tweet, form)


@bp.post("/tweets/<int:tweet_id>/edit")
@limits.writes
@login_required
def save(tweet_id: int) -> ResponseReturnValue:
    """Store a change that came as a plain form."""
    tweet = own(tweet_id)
    form = forms.read_tweet()
    moved = form["when"] != _as_typed(tweet)
    try:
        _edit(tweet, form, form["when"] if moved else None)
    except sentences.REFUSALS as problem:
        db.session.rollback()
        field, _code, message = sentences.refusal(problem)
        return _edit_page(own(tweet_id), form | {"errors": {field: message}}), 422
    return _done(tweet, _("Saved."))


def _job_id() -> str | None:
    """Return the one job that is meant, None for all of the tweet's."""
    given: Any = request.get_json(silent=True) if request.is_json else request.form
    job_id = given.get("job_id") if hasattr(given, "get") else None
    return str(job_id) if job_id else None


def _as_typed(tweet: Tweet) -> str:
    """Return the due time as a person would type it."""
    return tweet.due_at.astimezone(current_user.zone).strftime("%Y-%m-%d %H:%M:%S")


def _edit(tweet: Tweet, given: dict[str, Any] | None, when: str | None) -> None:
    """Check everything before changing anything."""
    moment = None if when is None else understand(when, current_user.zone, utcnow())
    at = moment.at if moment else None
    if given is None:
        tweet.edit(tweet.text, at)
        return
    draft = _changed(tweet, given)
    drafts.check(draft, [delivery.account for delivery in tweet.deliveries])
    named = {key: draft.variants.get(key) for key in given["variants"]}
    tweet.edit(draft.text, at, draft.parts, named)


def _changed(tweet: Tweet, given: dict[str, Any]) -> drafts.Draft:
    """Return what the tweet would be; a form gives all parts, JSON may give the first text only."""
    text = tweet.text if given["text"] is None else given["text"]
    parts = _kept_pictures(tweet.parts, given["parts"])
    if parts is None and tweet.parts:
        parts = [{**tweet.parts[0], "text": text}]
        parts += [] if request.form else tweet.parts[1:]
    variants: dict[int, list[dict[str, Any]]] = {}
    for delivery in tweet.deliveries:
        now = given["variants"].get(delivery.account_id, delivery.parts)
        own = _kept_pictures(delivery.parts or tweet.parts, now or None)
        if own:
            variants[delivery.account_id] = own
    return drafts.draft_of(text, parts, (), variants)


def _kept_pictures(
    before: list[dict[str, Any]] | None, now: list[dict[str, Any]] | None
) -> list[dict[str, Any]] | None:
    """Give parts that name no pictures those that stood there before."""
    if now is None:
        return None
    kept = [part["pictures"] for part in before or []] + [[] for _ in now]
    return [
        {"text": part["text"], "pictures": part["pictures"] or pictures}
        for part, pictures in zip(now, kept, strict=False)
    ]


def _edit_page(tweet: Tweet, form: dict[str, Any]) -> str:
    accounts = [delivery.account for delivery in tweet.deliveries]
    return render_template(
        "edit.html",
        tweet=tweet_views([tweet])[0],
        form=form,
        accounts=account_views(accounts),
        chosen=[account.id for account in accounts],
        tlds=texts.known_tlds(),
    )


def _refuse_input(problem: Exception) -> ResponseReturnValue:
    db.session.rollback()
    field, code, message = sentences.refusal(problem)
    back = {"url": url_for("tweets.index"), "label": _("To your tweets")}
    return refuse(422, code, message, field=field, action=back)


def _done(tweet: Tweet, words: str) -> ResponseReturnValue:
    db.session.refresh(tweet)
    db.session.expire_all()
    if wants_json():
        return jsonify(
            tweet={"id": tweet.id, "text": tweet.text, "due_at": iso_utc(tweet.due_at)},
            jobs=job_views([Job.from_delivery(delivery) for delivery in tweet.deliveries]),
            message=words,
        )
    flash(words)
    return redirect(url_for("tweets.index"), 303)
