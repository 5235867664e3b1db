"""What an owner may still do to a tweet. Each answers 409 when a worker was quicker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app import broker
from app.db import commit_and_keep, db, utcnow
from app.models import WAITING, AlreadyBeingSent, Content, Delivery, JobStatus, Tweet, content
from app.states import State
from app.web import rate_limits, schemas
from app.web.errors import gives_back, refuse, wants_json
from app.web.messages import REFUSALS, input_refusal
from app.web.tweets import forms, views
from app.web.tweets.payload import any_of, filled, follows, merged
from app.web.tweets.routes import own

bp = Blueprint("actions", __name__)


@bp.post("/tweets/<int:tweet_id>/cancel")
@rate_limits.writes
@login_required
def cancel(tweet_id: int) -> ResponseReturnValue:
    """Take back a tweet that waits."""
    tweet = own(tweet_id)
    tweet.cancel(_job_id(tweet, *WAITING, State.REVIEW))
    if any(delivery.attempts for delivery in tweet.deliveries):  # some of it may be out
        return _done(tweet, _("Cancelled. Nothing more is sent."))
    return _done(tweet, _("Cancelled. Nothing is sent."))


@bp.post("/tweets/<int:tweet_id>/reschedule")
@rate_limits.writes
@login_required
def reschedule(tweet_id: int) -> ResponseReturnValue:
    """Move a tweet that waits to another time; an empty time is refused, ``now`` is accepted."""
    tweet = own(tweet_id)
    _refuse_unless(tweet, *WAITING)
    given: schemas.calls.Reschedule
    if request.is_json:
        given, place = schemas.body(schemas.calls.Reschedule), None
    else:
        given = place = schemas.form(schemas.calendar_calls.RescheduleForm)
    try:
        at = forms.time_said(given.when, given.shown_at)
    except REFUSALS as problem:
        if place and place.view:
            db.session.rollback()
            return _move_page(tweet, place, given.when, input_refusal(problem)[2]), 422
        return _refuse_input(problem)
    job_ids = tweet.reschedule(at, schemas.moment_of(given.due_at))
    if at <= utcnow():
        broker.notify_jobs(job_ids)
    return _done(tweet, views.said_due(at), _back_to(place) if place and place.view else None)


@bp.get("/tweets/<int:tweet_id>/move")
@rate_limits.reads
@login_required
def move(tweet_id: int) -> ResponseReturnValue:
    """Ask to which time something of the calendar is moved; scripts ask within the calendar."""
    tweet = own(tweet_id)
    place = schemas.query(schemas.calendar_calls.MoveQuery)
    moment = schemas.moment_of(place.due_at)
    meant = [one for one in tweet.deliveries if moment in {None, one.due_at}]
    waiting = [one for one in meant if one.state in WAITING]
    if not waiting:
        raise AlreadyBeingSent
    wall = waiting[0].due_at.astimezone(current_user.zone)
    return _move_page(tweet, place, f"{wall:%Y-%m-%dT%H:%M}")


def _move_page(
    tweet: Tweet,
    place: schemas.calendar_calls.MoveQuery | schemas.calendar_calls.RescheduleForm,
    when: str,
    problem: str = "",
) -> str:
    """Return the form that moves a tweet, with what was typed and what is wrong with that."""
    given = place.model_dump(include={"due_at", "view", "date", "account"}, exclude_none=True)
    return render_template(
        "calendar/move.html",
        tweet=tweet,
        fields={"view": "month"} | given,
        when=when,
        problem=problem,
        back=_back_to(place),
    )


def _back_to(place: schemas.calendar_calls.CalendarQuery) -> str:
    """Return the calendar that a form was opened from."""
    return url_for("calendar.show", view=place.view, date=place.date, account=place.account)


@bp.post("/tweets/<int:tweet_id>/retry")
@rate_limits.writes
@login_required
def retry(tweet_id: int) -> ResponseReturnValue:
    """Send again what failed, or what its owner says did not arrive.

    At another time only what failed: what may be there is sent when its owner has just looked, and
    a form that comes twice must not take the first time for that.
    """
    tweet = own(tweet_id)
    _refuse_unless(tweet, State.FAILED, State.REVIEW)
    given = schemas.body(schemas.calls.Retry)
    _job_of(tweet, given.job_id)
    if given.when is None:
        return _retry(tweet, given.job_id)
    try:
        at = forms.time_said(given.when, given.shown_at)
    except REFUSALS as problem:
        return _refuse_input(problem)
    job_ids = tweet.retry(given.job_id, at, only_failed=True)
    if at <= utcnow():
        broker.notify_jobs(job_ids)
    return _done(tweet, views.said_due(at))


def _retry(tweet: Tweet, job_id: str | None) -> ResponseReturnValue:
    broker.notify_jobs(tweet.retry(job_id))
    return _done(tweet, _("We try again."))


@bp.post("/tweets/<int:tweet_id>/confirm")
@rate_limits.writes
@login_required
def confirm(tweet_id: int) -> ResponseReturnValue:
    """Take its owner's word that the tweet is there."""
    tweet = own(tweet_id)
    broker.notify_jobs(tweet.confirm(_job_id(tweet, State.REVIEW)))
    return _done(tweet, _("Good. It counts as published."))


@bp.patch("/tweets/<int:tweet_id>")
@rate_limits.writes
@login_required
def change(tweet_id: int) -> ResponseReturnValue:
    """Change contents, time or both; what is left out stays."""
    tweet = own(tweet_id)
    try:
        what, at, job_id = forms.read_change()
        before = _all_of(tweet)
        _edit(tweet, job_id, what, at)
    except REFUSALS as problem:
        return _refuse_input(problem)
    return _done(tweet, _saved(tweet, before))


@bp.get("/tweets/<int:tweet_id>/edit")
@rate_limits.reads
@login_required
def edit(tweet_id: int) -> ResponseReturnValue:
    """Show the form for a change: of the tweet, or of what one account has yet to publish."""
    tweet = own(tweet_id)
    job = _job_of(tweet, schemas.query(schemas.calls.EditQuery).job_id)
    if job and not job.remaining:
        raise AlreadyBeingSent
    form = forms.empty() | {
        "parts": _stored(job.remaining) if job else views.shared_parts(tweet),
        "variants": {} if job else {d.account_id: d.parts for d in tweet.deliveries if d.parts},
        "options": {
            one.account_id: one.options
            for one in ([job] if job else tweet.deliveries)
            if one.options
        },
        "when": _as_typed(tweet),
    }
    return _edit_page(tweet, job, form)


@bp.post("/tweets/<int:tweet_id>/edit")
@rate_limits.writes
@login_required
def save(tweet_id: int) -> ResponseReturnValue:
    """Store a change that came as a plain form, and send it where a button says so."""
    tweet = own(tweet_id)
    form = forms.read_edit()
    job_id = request.form.get("job_id")
    try:
        if form["refusal"]:
            raise form["refusal"]
        before = _all_of(tweet)
        _edit(tweet, job_id, form, _new_time(tweet, form["when"], form["shown_at"]))
    except REFUSALS as problem:
        db.session.rollback()
        field, _code, message = input_refusal(problem)
        return _again(own(tweet_id), job_id, form, form["refused_at"] or field, message), 422
    flash(str(tweet_id), "saved")  # for the page's script, which has kept what was written
    if "again" in request.form:
        return _retry(tweet, job_id)
    if "now" in request.form:
        broker.notify_jobs([delivery.id for delivery in tweet.deliveries])
        return _done(tweet, _("Your tweet is on its way."))
    return _done(tweet, _saved(tweet, before))


def _again(tweet: Tweet, job_id: str | None, form: dict[str, Any], field: str, message: str) -> str:
    """Return the edit page with what was typed, and what is wrong with it."""
    account_ids = [delivery.account_id for delivery in tweet.deliveries]
    shown_at = forms.field_shown(field, form, account_ids)
    form |= {"errors": {shown_at: message}, "when": form["when"] or ""} | forms.shown_again(form)
    return _edit_page(tweet, _job_of(tweet, job_id), form)


def _old_form(message: str) -> ResponseReturnValue:
    """Give back what was written in a page of another session, to be saved again from here."""
    tweet = own((request.view_args or {})["tweet_id"])
    form = forms.read_edit(schemas.Invalid("old_form", ""))
    return _again(tweet, request.form.get("job_id"), form, "", message), 400


gives_back("actions.save", _old_form)


def _new_time(tweet: Tweet, typed: str | None, shown_at: str) -> datetime | None:
    """Return the time that a form moves a tweet to, None to leave it; "Save" never means now."""
    if "now" in request.form:
        return utcnow()
    if typed is None or typed == _as_typed(tweet):
        return None
    if not typed.strip() or (at := forms.due_at(typed, shown_at)) <= utcnow():
        raise schemas.Invalid("empty_time", "when")
    return at


def _all_of(tweet: Tweet) -> Any:
    """Return all that a change may change, to compare."""
    own = [(one.parts, one.options) for one in tweet.deliveries]
    return tweet.text, tweet.parts, tweet.due_at, own


def _saved(tweet: Tweet, before: Any) -> str:
    db.session.expire_all()
    return _("Saved.") if _all_of(tweet) != before else _("Nothing was changed.")


def _job_id(tweet: Tweet, *states: State) -> str | None:
    """Return the one job that is meant, None for all of the tweet's.

    :param states: those in which something can be done. None in any is a 409, whatever was sent.
    """
    _refuse_unless(tweet, *states)
    job_id = schemas.body(schemas.calls.OneJob).job_id
    _job_of(tweet, job_id)
    return job_id


def _refuse_unless(tweet: Tweet, *states: State) -> None:
    if all(delivery.state not in states for delivery in tweet.deliveries):
        raise AlreadyBeingSent


def _as_typed(tweet: Tweet) -> str:
    """Return the due time as a person would type it, in their zone."""
    return tweet.due_at.astimezone(current_user.zone).strftime("%Y-%m-%d %H:%M:%S")


def _job_of(tweet: Tweet, job_id: str | None) -> Delivery | None:
    """Return the tweet's job with this id, None for all of them; 404 when it has no such job."""
    found = next((one for one in tweet.deliveries if one.id == job_id), None)
    if job_id is not None and found is None:
        abort(404)
    return found


def _stored(parts: Sequence[Content]) -> list[content.StoredPart]:
    return [part.as_stored() for part in parts]


def _edit(
    tweet: Tweet, job_id: str | None, given: dict[str, Any] | None, at: datetime | None
) -> None:
    """Check everything before changing anything."""
    if job := _job_of(tweet, job_id):
        if at is not None or (given and given["variants"]):
            raise schemas.Invalid("not_for_one_job", "variants" if at is None else "when")
        _edit_job(tweet, job, given)
        return
    if given is None:
        tweet.edit(tweet.text, at)
        return
    content.refuse_strangers(given["variants"], [one.account for one in tweet.deliveries])
    draft = _changed(tweet, given)
    commit_and_keep()  # no transaction stays open while words are counted
    content.check(draft, [delivery.account for delivery in tweet.deliveries])
    with_own = {one.account_id for one in tweet.deliveries if one.parts} | set(given["variants"])
    named = {account_id: draft.variants.get(account_id) for account_id in with_own}
    set_for = {account_id: draft.options.get(account_id) for account_id in given["options"]}
    tweet.edit(draft.text, at, draft.parts, named, set_for)


def _edit_job(tweet: Tweet, job: Delivery, given: dict[str, Any] | None) -> None:
    if given is None or not job.remaining:
        raise AlreadyBeingSent
    set_for = {job.account_id: job.options or {}} | given["options"]
    draft = content.draft_of("", merged(given, _stored(job.remaining)), options=set_for)
    commit_and_keep()  # as above
    content.check(draft, [job.account])
    parts = draft.parts or [{"text": draft.text, "pictures": []}]
    tweet.edit_job(job.id, parts, draft.options.get(job.account_id, {}))


def _changed(tweet: Tweet, given: dict[str, Any]) -> content.Draft:
    """Return the tweet after the change. Variants that show the shared pictures still do."""
    before = views.shared_parts(tweet)
    parts = merged(given, before)
    variants: dict[int, list[content.StoredPart]] = {}
    for delivery in tweet.deliveries:
        stored = delivery.parts or []
        now = given["variants"].get(delivery.account_id)
        if now is None or (request.form and _words(now) == _words(stored)):
            # Forms know no pictures of its own.
            now = [{**part, "pictures": None} for part in stored]
        own = filled(now, parts if follows(stored, before) else stored)
        if any_of(own):
            variants[delivery.account_id] = own
    stored_options = {one.account_id: one.options or {} for one in tweet.deliveries}
    return content.draft_of("", parts, (), variants, stored_options | given["options"])


def _words(parts: Sequence[content.StoredPart]) -> list[str]:
    return [part["text"] for part in parts if part["text"]]


def _edit_page(tweet: Tweet, job: Delivery | None, form: dict[str, Any]) -> str:
    accounts = [job.account] if job else [delivery.account for delivery in tweet.deliveries]
    meant = [job] if job else tweet.deliveries
    return render_template(
        "tweets/edit.html",
        tweet=views.tweet_views([tweet])[0],
        job=job,
        out=_stored(job.contents[: len(job.posted)]) if job else [],
        form=views.shown(form),
        accounts=views.account_views(accounts),
        is_timed=job is None and any(one.state in WAITING for one in meant),
        has_failed=any(one.state == State.FAILED for one in meant),
    )


def _refuse_input(problem: Exception) -> ResponseReturnValue:
    db.session.rollback()
    field, code, message = input_refusal(problem)
    back = {"url": url_for("tweets.index"), "label": _("To your tweets")}
    return refuse(422, code, message, field=field or None, action=back)


def _done(tweet: Tweet, words: str, back: str | None = None) -> ResponseReturnValue:
    db.session.expire_all()
    if wants_json():
        return jsonify(
            tweet=views.plain(tweet),
            jobs=views.job_views(
                [JobStatus.from_delivery(one) for one in tweet.deliveries], request.root_path
            ),
            message=words,
        )
    flash(words)
    return redirect(back or url_for("tweets.index"), 303)
