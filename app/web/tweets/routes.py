"""The composer and the list."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from app.db import db, utcnow
from app.models import Account, Delivery, Tweet
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
            tweet={**views.plain(tweet), "parts": view["parts"]}, jobs=views.jobs_as_json(view)
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
    everywhere = _accounts()  # held until the page is made, or the session would forget them
    accounts = [account for account in everywhere if account.connected]
    set_committed_value(current_user, "accounts", accounts)
    found = _listed(before)
    tweets, more = found[:PAGE], len(found) > PAGE
    newest = tweets if before is None else _listed(None, 1)
    return render_template(
        "tweets/index.html",
        form=views.shown(form),
        accounts=views.account_views(accounts),
        chosen=form["accounts"] or _usual_accounts(accounts, newest[:1]),
        tweets=views.tweet_views(tweets),
        newer_url=url_for("tweets.index") if before is not None else None,
        older_url=url_for("tweets.index", before=tweets[-1].id) if more else None,
    )


def _accounts() -> list[Account]:
    """Read all accounts of the person, also former ones, so that their tweets find them here."""
    mine = db.select(Account).where(Account.user_id == current_user.id)
    return list(db.session.scalars(mine.order_by(Account.id)))


def _listed(before: int | None, most: int = PAGE + 1) -> list[Tweet]:
    """Return the person's newest tweets, only those with smaller ids than ``before``."""
    query = db.select(Tweet).where(Tweet.user_id == current_user.id)
    if before is not None:
        query = query.where(Tweet.id < before)
    # Their accounts are read already: no need to send them once more with each delivery.
    deliveries = selectinload(Tweet.deliveries).lazyload(Delivery.account)
    return list(db.session.scalars(query.options(deliveries).order_by(Tweet.id.desc()).limit(most)))


def _usual_accounts(known: list[Account], newest: list[Tweet]) -> list[int]:
    """Return the accounts of the newest tweet, else the first one."""
    last = {delivery.account_id for tweet in newest for delivery in tweet.deliveries}
    return [one.id for one in known if one.id in last] or [one.id for one in known[:1]]
