"""What an owner may still do to a tweet. Each answers 409 when a worker was quicker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app import jobs
from app.db import db, utcnow
from app.models import Delivery, Job, Tweet, drafts
from app.models.parts import Content
from app.models.tweet import WAITING, AlreadyBeingSent
from app.networks import text as texts
from app.states import State
from app.web import contents, forms, limits, sentences
from app.web.job_views import job_views
from app.web.locales import exact_time, iso_utc
from app.web.pages import account_views, shown, tweet_views
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
    if any(delivery.attempts for delivery in tweet.deliveries):  # some of it may be out
        return _done(tweet, _("Cancelled. Nothing more is sent."))
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
    """Change contents, time or both; what is left out stays."""
    tweet = own(tweet_id)
    try:
        _edit(tweet, _job_id(), *forms.read_change())
    except sentences.REFUSALS as problem:
        return _refuse_input(problem)
    return _done(tweet, _("Saved."))


@bp.get("/tweets/<int:tweet_id>/edit")
@limits.reads
@login_required
def edit(tweet_id: int) -> ResponseReturnValue:
    """Show the form for a change: of the tweet, or of what one account has yet to publish."""
    tweet = own(tweet_id)
    job = _job_of(tweet, request.args.get("job_id"))
    if job and not job.remaining:
        raise AlreadyBeingSent
    form = forms.empty() | {
        "parts": _stored(job.remaining) if job else _shared(tweet),
        "variants": {} if job else {d.account_id: d.parts for d in tweet.deliveries if d.parts},
        "when": _as_typed(tweet),
    }
    return _edit_page(tweet, job, form)


@bp.post("/tweets/<int:tweet_id>/edit")
@limits.writes
@login_required
def save(tweet_id: int) -> ResponseReturnValue:
    """Store a change that came as a plain form, and try again where that is asked for."""
    tweet = own(tweet_id)
    form = forms.read_tweet()
    job_id = _job_id()
    moved = "when" in request.form and form["when"] != _as_typed(tweet)
    try:
        if form["refusal"]:
            raise form["refusal"]
        _edit(tweet, job_id, form, form["when"] if moved else None)
    except sentences.REFUSALS as problem:
        db.session.rollback()
        field, _code, message = sentences.refusal(problem)
        tweet = own(tweet_id)
        errors = {form["refused_at"] or field: message}
        return _edit_page(tweet, _job_of(tweet, job_id), form | {"errors": errors}), 422
    if "again" in request.form:
        return retry(tweet_id)
    return _done(tweet, _("Saved."))


def _job_id() -> str | None:
    """Return the one job that is meant, None for all of the tweet's."""
    given: Any = request.get_json(silent=True) if request.is_json else request.form
    job_id = given.get("job_id") if hasattr(given, "get") else None
    return str(job_id) if job_id else None


def _as_typed(tweet: Tweet) -> str:
    """Return the due time as a person would type it."""
    return tweet.due_at.astimezone(current_user.zone).strftime("%Y-%m-%d %H:%M:%S")


def _job_of(tweet: Tweet, job_id: str | None) -> Delivery | None:
    """Return the tweet's job with this id, None for all of them; 404 when it has no such job."""
    found = next((one for one in tweet.deliveries if one.id == job_id), None)
    if job_id and found is None:
        abort(404)
    return found


def _shared(tweet: Tweet) -> list[drafts.StoredPart]:
    return tweet.parts or [{"text": tweet.text, "pictures": []}]


def _stored(parts: Sequence[Content]) -> list[drafts.StoredPart]:
    return [part.as_stored() for part in parts]


def _edit(tweet: Tweet, job_id: str | None, given: dict[str, Any] | None, when: str | None) -> None:
    """Check everything before changing anything."""
    if job := _job_of(tweet, job_id):
        _edit_job(tweet, job, given)
        return
    moment = None if when is None else understand(when, current_user.zone, utcnow())
    at = moment.at if moment else None
    if given is None:
        tweet.edit(tweet.text, at)
        return
    draft = _changed(tweet, given)
    drafts.check(draft, [delivery.account for delivery in tweet.deliveries])
    with_own = {one.account_id for one in tweet.deliveries if one.parts} | set(given["variants"])
    named = {account_id: draft.variants.get(account_id) for account_id in with_own}
    tweet.edit(draft.text, at, draft.parts, named)


def _edit_job(tweet: Tweet, job: Delivery, given: dict[str, Any] | None) -> None:
    if given is None or not job.remaining:
        raise AlreadyBeingSent
    draft = drafts.draft_of("", contents.merged(given, _stored(job.remaining)))
    drafts.check(draft, [job.account])
    tweet.edit_job(job.id, draft.parts or [{"text": draft.text, "pictures": []}])


def _changed(tweet: Tweet, given: dict[str, Any]) -> drafts.Draft:
    """Return what the tweet would be. Variants that show the shared pictures go on doing so."""
    before = _shared(tweet)
    parts = contents.merged(given, before)
    variants: dict[int, list[drafts.StoredPart]] = {}
    for delivery in tweet.deliveries:
        stored = delivery.parts or []
        now = given["variants"].get(delivery.account_id)
        if now is None or (request.form and _words(now) == _words(stored)):
            # Forms know no pictures of its own.
            now = [{**part, "pictures": None} for part in stored]
        own = contents.filled(now, parts if contents.follows(stored, before) else stored)
        if contents.any_of(own):
            variants[delivery.account_id] = own
    return drafts.draft_of("", parts, (), variants)


def _words(parts: Sequence[drafts.StoredPart]) -> list[str]:
    return [part["text"] for part in parts if part["text"]]


def _edit_page(tweet: Tweet, job: Delivery | None, form: dict[str, Any]) -> str:
    accounts = [job.account] if job else [delivery.account for delivery in tweet.deliveries]
    meant = [job] if job else tweet.deliveries
    return render_template(
        "edit.html",
        tweet=tweet_views([tweet])[0],
        job=job,
        out=_stored(job.contents[: len(job.posted)]) if job else [],
        form=shown(form),
        accounts=account_views(accounts),
        is_timed=job is None and any(one.state in WAITING for one in meant),
        has_failed=any(one.state == State.FAILED for one in meant),
        tlds=texts.known_tlds(),
    )


def _refuse_input(problem: Exception) -> ResponseReturnValue:
    db.session.rollback()
    field, code, message = sentences.refusal(problem)
    back = {"url": url_for("tweets.index"), "label": _("To your tweets")}
    return refuse(422, code, message, field=field, action=back)


def _done(tweet: Tweet, words: str) -> ResponseReturnValue:
    db.session.expire_all()
    if wants_json():
        return jsonify(
            tweet={"id": tweet.id, "text": tweet.text, "due_at": iso_utc(tweet.due_at)},
            jobs=job_views([Job.from_delivery(delivery) for delivery in tweet.deliveries]),
            message=words,
        )
    flash(words)
    return redirect(url_for("tweets.index"), 303)
