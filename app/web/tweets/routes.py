"""The composer, one tweet, and how times are understood."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from sqlalchemy.orm.attributes import set_committed_value

from app import mail
from app.db import db, utcnow
from app.learning import numbers
from app.models import ALL, Account, Duplicate, DuplicateText, StoredTweet, Tweet, content
from app.web import learning, rate_limits, schemas
from app.web.context import networks, ready_networks
from app.web.errors import gives_back, refuse, refuse_as_json, wants_json
from app.web.i18n import iso_utc
from app.web.messages import REFUSALS, duplicate_of, input_refusal, outcome_of
from app.web.tweets import forms, lists, options, views
from app.web.tweets.payload import arguments
from app.when import WhenProblem, understand

bp = Blueprint("tweets", __name__)


@bp.get("/")
@rate_limits.reads
def index() -> ResponseReturnValue:
    """Show the composer and the list, or how to sign in."""
    if not current_user.is_authenticated:
        return render_template(
            "accounts/sign_in.html", networks=ready_networks(), mail_is_offered=mail.is_offered()
        )
    return _page(forms.empty())


def begun_with(text: str) -> str:
    """Return the composer with these words in it; the list is below, as on the start page."""
    return _page(forms.empty() | {"parts": [{"text": text, "pictures": []}]})


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
            return _page(form | forms.shown_again(form))
        said_when = forms.said_when(form)
        draft = content.draft_of("", **arguments(form))
        chosen, submit_id = form["accounts"], form["submit_id"]
        asks_first = not form["allow_duplicate"]
        stored = current_user.schedule(draft, said_when, chosen, submit_id, asks_first=asks_first)
    except REFUSALS as problem:
        return _refuse_input(form, problem)
    except DuplicateText as problem:
        return _ask_first(form, problem.duplicate)
    if wants_json():
        return _accepted(stored), 202
    flash(views.said_due(stored.due_at))
    if stored.similar:
        flash(f"{stored.id} {stored.similar}", "similar")
    return redirect(url_for("tweets.index"), 303)


def _ask_first(form: dict[str, Any], found: Duplicate) -> ResponseReturnValue:
    """Give back what was written: it says the same as another tweet, which may be meant so."""
    db.session.rollback()
    if wants_json():
        error = {"code": "duplicate", "message": duplicate_of(found), "field": None}
        return jsonify(error=error, duplicate=found._asdict() | {"at": iso_utc(found.at)}), 409
    shown = {"duplicate": {"message": duplicate_of(found), "tweet_id": found.tweet_id}}
    return _page(form | shown | forms.shown_again(form)), 409


def _checked(form: dict[str, Any]) -> ResponseReturnValue:
    """Say how the time is understood, and store nothing."""
    if wants_json():
        return _understood(form["when"], form["timezone"])
    return _page(form | forms.echo(form["when"]))


def _accepted(stored: StoredTweet) -> Any:
    made = [
        {
            "job_id": job.id,
            "status_url": url_for("status.one", job_id=job.id),
            "network": job.account.network,
            "handle": job.account.handle,
        }
        for job in stored.jobs
    ]
    return jsonify(
        job_id=made[0]["job_id"],
        status_url=made[0]["status_url"],
        tweet=views.plain(stored),
        jobs=made,
        warnings=[{"code": "similar", "tweet_id": stored.similar}] if stored.similar else [],
    )


def _refuse_input(form: dict[str, Any], problem: Exception) -> ResponseReturnValue:
    db.session.rollback()
    field, code, message = input_refusal(problem)
    if wants_json():
        return refuse(422, code, message, field=field or None)
    account_ids = [account.id for account in current_user.accounts]
    shown_at = forms.field_shown(form["refused_at"] or field, form, account_ids)
    return _page(form | {"errors": {shown_at: message}} | forms.shown_again(form)), 422


def _old_form(message: str) -> ResponseReturnValue:
    """Give back what was written in a page of another session, to be sent again from here."""
    form = forms.read_tweet(schemas.Invalid("old_form", ""))
    form |= {"submit_id": form["submit_id"] or forms.empty()["submit_id"]}
    return _page(form | {"errors": {"": message}} | forms.shown_again(form)), 400


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


def _page(form: dict[str, Any]) -> str:
    asked = lists.whole_list(schemas.query(schemas.calls.ListQuery).before)
    everywhere = lists.accounts_of_reader()  # held until the page is made
    accounts = [account for account in everywhere if account.connected]
    set_committed_value(current_user, "accounts", accounts)
    found = lists.listed(asked, lists.PAGE)
    newest = found if asked.before is None else lists.listed(lists.whole_list(), 1)
    return render_template(
        "tweets/index.html",
        form=views.shown(form),
        accounts=views.account_views(accounts),
        ticked=_ticked(form["accounts"], accounts) or _usual_accounts(accounts, newest.tweets[:1]),
        is_for_all=form["accounts"] == ALL,
        **lists.context(asked, found, everywhere, "tweets.index"),
    )


def _ticked(chosen: Any, known: list[Account]) -> list[int]:
    return [one.id for one in known] if chosen == ALL else chosen


def _usual_accounts(known: list[Account], newest: list[Tweet]) -> list[int]:
    """Return the accounts of the newest tweet, else the first one."""
    last = {delivery.account_id for tweet in newest for delivery in tweet.deliveries}
    return [one.id for one in known if one.id in last] or [one.id for one in known[:1]]
