"""The composer and the list."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from sqlalchemy.orm import selectinload

from app.db import db, utcnow
from app.models import Delivery, Tweet
from app.networks import text as texts
from app.web import rate_limits, schemas
from app.web.context import networks, ready_networks
from app.web.errors import gives_back, refuse, refuse_as_json, wants_json
from app.web.i18n import iso_utc
from app.web.messages import REFUSALS, input_refusal, outcome_of
from app.web.tweets import forms, views
from app.web.tweets.payload import arguments
from app.when import WhenProblem, understand

bp = Blueprint("tweets", __name__)

PAGE = 20


@bp.get("/")
@rate_limits.reads
def index() -> ResponseReturnValue:
    """Show the composer and the list, or how to sign in."""
    if not current_user.is_authenticated:
        return render_template("accounts/sign_in.html", networks=ready_networks())
    return _page(forms.empty())


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
        job_id = current_user.tweet_later(
            "",
            forms.said_when(form),
            form["accounts"],
            submit_id=form["submit_id"],
            **arguments(form),
        )
    except REFUSALS as problem:
        return _refuse_input(form, problem)
    tweet = db.session.get_one(Delivery, job_id).tweet
    if wants_json():
        return _accepted(tweet), 202
    flash(views.said_due(tweet.due_at))
    return redirect(url_for("tweets.index"), 303)


def _checked(form: dict[str, Any]) -> ResponseReturnValue:
    """Say how the time is understood, and store nothing."""
    if wants_json():
        return _understood(form["when"], form["timezone"])
    return _page(form | forms.echo(form["when"]))


def _accepted(tweet: Tweet) -> Any:
    made = [
        {
            "job_id": delivery.id,
            "status_url": url_for("status.one", job_id=delivery.id),
            "network": delivery.account.network,
            "handle": delivery.account.handle,
        }
        for delivery in tweet.deliveries
    ]
    return jsonify(
        job_id=made[0]["job_id"],
        status_url=made[0]["status_url"],
        tweet=views.plain(tweet),
        jobs=made,
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
            tweet={**views.plain(tweet), "parts": view["parts"]},
            jobs=[
                {
                    **job,
                    "due_at": iso_utc(job["due_at"]),
                    "published_at": job["published_at"] and iso_utc(job["published_at"]),
                }
                for job in view["jobs"]
            ],
        )
    return render_template("tweets/tweet.html", tweet=view, attempts=attempts)


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
    before = schemas.query(schemas.calls.ListQuery).before
    query = db.select(Tweet).where(Tweet.user_id == current_user.id)
    if before is not None:
        query = query.where(Tweet.id < before)
    query = query.options(selectinload(Tweet.deliveries)).order_by(Tweet.id.desc())
    found = list(db.session.scalars(query.limit(PAGE + 1)))
    tweets, more = found[:PAGE], len(found) > PAGE
    accounts = views.account_views(current_user.accounts)
    return render_template(
        "tweets/index.html",
        form=views.shown(form),
        accounts=accounts,
        chosen=form["accounts"] or _usual_accounts([account["id"] for account in accounts]),
        tweets=views.tweet_views(tweets),
        newer_url=url_for("tweets.index") if before is not None else None,
        older_url=url_for("tweets.index", before=tweets[-1].id) if more else None,
        tlds=texts.known_tlds(),
    )


def _usual_accounts(known: list[int]) -> list[int]:
    """Return the accounts of the newest tweet, else the first one."""
    mine = db.select(Tweet.id).where(Tweet.user_id == current_user.id)
    newest = mine.order_by(Tweet.id.desc()).limit(1).scalar_subquery()
    last = set(
        db.session.scalars(db.select(Delivery.account_id).where(Delivery.tweet_id == newest))
    )
    return [account_id for account_id in known if account_id in last] or known[:1]
