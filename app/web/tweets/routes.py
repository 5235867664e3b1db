"""The composer, one tweet, and how times are understood."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from sqlalchemy.orm.attributes import set_committed_value

from app import mail, planning
from app.db import db, utcnow
from app.learning import numbers
from app.models import (
    ALL,
    Account,
    Draft,
    Duplicate,
    DuplicateText,
    StoredTweet,
    Tweet,
    content,
    draft,
)
from app.networks import TextProblem
from app.web import learning, rate_limits, schemas
from app.web.context import networks, ready_networks
from app.web.errors import gives_back, refuse, refuse_as_json, wants_json
from app.web.i18n import iso_utc
from app.web.messages import REFUSALS, duplicate_of, input_refusal, outcome_of
from app.web.tweets import forms, lists, options, picked, views
from app.web.tweets.payload import arguments
from app.when import WhenProblem, understand

bp = Blueprint("tweets", __name__)

LIGHT = {"tweets.index", "tweets.compose"}
"""Endpoints whose composer has few fields at first: scripts add the others, or a button does."""


@bp.get("/")
@rate_limits.reads
def index() -> ResponseReturnValue:
    """Show the composer and the list, or how to sign in."""
    if not current_user.is_authenticated:
        return render_template(
            "accounts/sign_in.html", networks=ready_networks(), mail_is_offered=mail.is_offered()
        )
    return composer(_asked_for())


@bp.get("/composer")
@rate_limits.reads
@login_required
def compose() -> ResponseReturnValue:
    """Return the composer alone, for the dialog that scripts open on any page."""
    return composer(_asked_for(), is_alone=True)


def _asked_for() -> dict[str, Any]:
    """Return the form that an address asks for: an empty one, a draft, or one begun for a time."""
    asked = schemas.query(schemas.planning.ComposerQuery)
    form = forms.empty() if asked.draft is None else forms.of_draft(own_draft(asked.draft))
    return form | (forms.begun_for(asked.when) if asked.when else {})


def begun_with(text: str) -> str:
    """Return the composer with these words in it; the list is below, as on the start page."""
    return composer(forms.empty() | {"parts": [{"text": text, "pictures": []}]})


@bp.post("/tweets")
@rate_limits.writes
@login_required
def create() -> ResponseReturnValue:
    """Store a tweet and answer at once; a worker posts it."""
    form = forms.read_tweet()
    forms.remember_zone(form["timezone"])
    try:
        if form["refusal"]:
            raise form["refusal"]
        if form["check"]:
            return _checked(form)
        if form["more"]:
            return composer(form | forms.shown_again(form))
        said_when = None if form["queue"] else forms.said_when(form)
        stored = store(form, said_when, form["submit_id"], _end_of_draft(form))
    except REFUSALS as problem:
        return _refuse_input(form, problem)
    except DuplicateText as problem:
        return _ask_first(form, problem.duplicate)
    if wants_json():
        return accepted(stored)
    flash(views.said_queued(stored.due_at) if form["queue"] else views.said_due(stored.due_at))
    if stored.similar:
        flash(f"{stored.id} {stored.similar}", "similar")
    return redirect(url_for("tweets.index"), 303)


def store(
    form: dict[str, Any],
    at: str | datetime | None,
    submit_id: str | None,
    also: Callable[[], object] | None = None,
) -> StoredTweet:
    """Store the tweet of a form; raises what ``User.schedule`` does.

    :param at: None where the queue decides.
    :param also: done in the same transaction.
    """
    said = content.draft_of("", **arguments(form))
    asks_first, chosen = not form["allow_duplicate"], form["accounts"]
    signed = picked.signed(said, chosen, form["signature"])
    try:
        return current_user.schedule(
            signed, at, chosen, submit_id, queue=form["queue"], asks_first=asks_first, also=also
        )
    except TextProblem as problem:
        raise picked.too_long(problem, said, signed) from None


def _end_of_draft(form: dict[str, Any]) -> Callable[[], object] | None:
    """Return what takes away the draft that a form was written in, as far as its writer saw it.

    What was changed elsewhere meanwhile stays a draft. What the form has no fields for is taken
    over.
    """
    draft_id, version = form["draft"], form["draft_version"]
    if draft_id is None and not request.is_json:  # its page may not have heard that there is one
        row, version = draft.submitted(current_user.id, form["submit_id"]), 1
    else:
        row = draft.own(current_user.id, draft_id) if draft_id else None
    if not row or version is None:
        return None
    form["variants"] = forms.kept_pictures(form["variants"], row)
    return partial(planning.drafts.end, current_user.id, row.id, version)


def _ask_first(form: dict[str, Any], found: Duplicate) -> ResponseReturnValue:
    """Give back what was written: it says the same as another tweet, which may be meant so."""
    if wants_json():
        return refuse_duplicate(found)
    db.session.rollback()
    shown = {"duplicate": {"message": duplicate_of(found), "tweet_id": found.tweet_id}}
    return composer(form | shown | forms.shown_again(form)), 409


def _checked(form: dict[str, Any]) -> ResponseReturnValue:
    """Say how the time is understood, and store nothing."""
    if form["queue"]:
        known = forms.queue_echo(current_user.chosen(form["accounts"]))
        return jsonify(**known, note=None) if wants_json() else composer(form | known)
    if wants_json():
        return _understood(form["when"], form["timezone"])
    return composer(form | forms.echo(form["when"]))


def refuse_duplicate(found: Duplicate) -> ResponseReturnValue:
    """Answer 409 with the tweet or post that says the same."""
    db.session.rollback()
    error = {"code": "duplicate", "message": duplicate_of(found), "field": None}
    return jsonify(error=error, duplicate=found._asdict() | {"at": iso_utc(found.at)}), 409


def accepted(stored: StoredTweet) -> ResponseReturnValue:
    """Answer 202 with a tweet and its jobs."""
    made = [
        {
            "job_id": job.id,
            "status_url": url_for("status.one", job_id=job.id),
            "network": job.account.network,
            "handle": job.account.handle,
            "due_at": iso_utc(job.due_at),
        }
        for job in stored.jobs
    ]
    answer = jsonify(
        job_id=made[0]["job_id"],
        status_url=made[0]["status_url"],
        tweet=views.plain(stored),
        jobs=made,
        warnings=[{"code": "similar", "tweet_id": stored.similar}] if stored.similar else [],
    )
    return answer, 202


def _refuse_input(form: dict[str, Any], problem: Exception) -> ResponseReturnValue:
    db.session.rollback()
    field, code, message = input_refusal(problem)
    if wants_json():
        return refuse(422, code, message, field=field or None)
    account_ids = [account.id for account in current_user.accounts]
    shown_at = forms.field_shown(form["refused_at"] or field, form, account_ids)
    return composer(form | {"errors": {shown_at: message}} | forms.shown_again(form)), 422


def _old_form(message: str) -> ResponseReturnValue:
    """Give back what was written in a page of another session, to be sent again from here."""
    form = forms.read_tweet(schemas.Invalid("old_form", ""))
    form |= {"submit_id": form["submit_id"] or forms.empty()["submit_id"]}
    return composer(form | {"errors": {"": message}} | forms.shown_again(form)), 400


gives_back("tweets.create", _old_form)


@bp.get("/tweets/<int:tweet_id>")
@rate_limits.reads
@login_required
def show(tweet_id: int) -> ResponseReturnValue:
    """Show one tweet and all that was tried."""
    tweet = own(tweet_id)
    several = len(tweet.deliveries) > 1
    attempts = [
        {
            "number": number,
            "account": delivery.account.handle if several else None,
            "network": networks()[delivery.account.network].title,
            "label": outcome_of(attempt.outcome),
            "row": attempt,
        }
        for delivery in tweet.deliveries
        for number, attempt in enumerate(delivery.history, start=1)
    ]
    view = views.tweet_views([tweet])[0]
    if wants_json():
        return jsonify(
            tweet={**views.plain(tweet), "parts": view["parts"]}, jobs=views.jobs_as_json(view)
        )
    answers = numbers.of_deliveries([delivery.id for delivery in tweet.deliveries])
    after = learning.numbers.after_words
    shown = {"tweet": view, "attempts": attempts, "answers": answers, "after": after}
    shown["options"] = {
        one.id: options.in_words(one.account, one.options) for one in tweet.deliveries
    }
    shown["marked"] = schemas.query(schemas.calls.ShownJob).job_id
    return render_template("tweets/tweet.html", **shown)


@bp.get("/tweets/<int:tweet_id>/card")
@rate_limits.reads
@login_required
def card(tweet_id: int) -> ResponseReturnValue:
    """Return one tweet's card alone, for the page that polls."""
    return render_template("tweets/_card.html", tweet=views.tweet_views([own(tweet_id)])[0])


@bp.get("/when")
@rate_limits.reads
@login_required
def when() -> ResponseReturnValue:
    """Say how a time is understood, before anything is sent."""
    asked = schemas.query(schemas.calls.WhenQuery)
    return _understood(asked.when or "", asked.timezone)


def _understood(words: str, zone: str | None) -> ResponseReturnValue:
    try:
        moment = understand(words, forms.zone_of(zone), utcnow())
    except WhenProblem as problem:
        field, code, message = input_refusal(problem)
        return refuse_as_json(422, code, message, field)
    return jsonify(
        due_at=iso_utc(moment.at), echo=forms.echo_of(moment), note=forms.note_of(moment)
    )


def own(tweet_id: int) -> Tweet:
    """Return the signed-in user's own tweet; somebody else's does not exist."""
    if tweet_id > schemas.LARGEST_ID:
        abort(404)
    tweet = db.session.scalar(
        db.select(Tweet).where(Tweet.id == tweet_id, Tweet.user_id == current_user.id)
    )
    if tweet is None:
        abort(404)
    return tweet


def own_draft(draft_id: int) -> Draft:
    """Return the signed-in user's own draft; somebody else's does not exist."""
    row = draft.own(current_user.id, draft_id) if draft_id <= schemas.LARGEST_ID else None
    if row is None:
        abort(404)
    return row


def composer(form: dict[str, Any], is_alone: bool = False) -> str:
    """Return the start page with this in its composer.

    :param is_alone: the composer without the rest of the page.
    """
    asked = lists.whole_list(schemas.query(schemas.calls.ListQuery).before)
    everywhere = lists.accounts_of_reader()  # held until the page is made
    accounts = [account for account in everywhere if account.connected]
    set_committed_value(current_user, "accounts", accounts)
    found = lists.listed(asked, 1 if is_alone else lists.PAGE)
    is_light = request.method == "GET" and request.endpoint in LIGHT
    newest = found if asked.before is None else lists.listed(lists.whole_list(), 1)
    return render_template(
        "tweets/index.html",
        form=views.shown(form),
        is_light=is_light,
        accounts=views.account_views(accounts, _with_options(form) if is_light else None),
        ticked=_ticked(form["accounts"], accounts) or _usual_accounts(accounts, newest.tweets[:1]),
        is_for_all=form["accounts"] == ALL,
        presets=picked.composed(accounts),
        is_alone=is_alone,
        **({} if is_alone else lists.context(asked, found, everywhere, "tweets.index")),
    )


def _with_options(form: dict[str, Any]) -> set[int]:
    """Return the accounts whose options a light page has: something is set in them."""
    return {account_id for account_id, given in form["options"].items() if given}


def _ticked(chosen: Any, known: list[Account]) -> list[int]:
    return [one.id for one in known] if chosen == ALL else chosen


def _usual_accounts(known: list[Account], newest: list[Tweet]) -> list[int]:
    """Return the accounts of the newest tweet, else the first one."""
    last = {delivery.account_id for tweet in newest for delivery in tweet.deliveries}
    return [one.id for one in known if one.id in last] or [one.id for one in known[:1]]
