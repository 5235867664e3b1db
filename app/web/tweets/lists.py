"""The list of a person's tweets: its tabs, the search in it, and its pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import Blueprint, abort, jsonify, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import pgettext
from flask_login import current_user, login_required
from sqlalchemy.orm import selectinload

from app.db import db
from app.models import Account, Delivery, Tweet, tweet_counts, tweet_lists
from app.web import rate_limits, schemas
from app.web.context import networks
from app.web.errors import wants_json
from app.web.i18n import iso_utc
from app.web.schemas import calls
from app.web.tweets import views

bp = Blueprint("lists", __name__)

PAGE = 20
"""Cards on a page."""
ROWS = 50
"""Tweets in one answer to a program."""


class Listed(NamedTuple):
    """What is shown at a time."""

    tweets: list[Tweet]
    next_before: int | None
    """The cursor of what follows; None at the end."""


@bp.get("/tweets")
@rate_limits.reads
@login_required
def show() -> ResponseReturnValue:
    """Show a tab of the list, or what was searched in it."""
    asked = schemas.query(calls.TweetsQuery)
    accounts = accounts_of_reader()
    if asked.account is not None and asked.account not in {one.id for one in accounts}:
        abort(404)
    if not wants_json():
        return render_template("tweets/list.html", **context(asked, listed(asked, PAGE), accounts))
    found = listed(asked, ROWS)
    counts, as_of = tweet_counts.of(current_user.id)
    return jsonify(
        tweets=views.tweets_as_json(found.tweets),
        counts=counts,
        counts_as_of=as_of and iso_utc(as_of),
        next=found.next_before,
    )


def accounts_of_reader() -> list[Account]:
    """Read all accounts of the person, also former ones, so that their tweets find them here."""
    return Account.all_of(current_user.id)


def listed(asked: calls.TweetsQuery, most: int) -> Listed:
    """Return the newest of the tweets that are asked for; only those with ids below ``before``.

    The caller keeps what ``accounts_of_reader`` returned.
    """
    words = (asked.q or "").strip()
    query = tweet_lists.matching(current_user.id, asked.tab, words, asked.account)
    if asked.before is not None:
        query = query.where(Tweet.id < asked.before)
    # Their accounts are read already: no need to send them once more with each delivery.
    deliveries = selectinload(Tweet.deliveries).lazyload(Delivery.account)
    newest = query.options(deliveries).order_by(Tweet.id.desc()).limit(most + 1)
    found = list(db.session.scalars(newest))
    shown = found[:most]
    return Listed(shown, shown[-1].id if len(found) > most else None)


def whole_list(before: int | None = None) -> calls.TweetsQuery:
    """Return what asks for all tweets, as the start page does."""
    return calls.TweetsQuery.model_validate({"before": before})


def context(
    asked: calls.TweetsQuery, found: Listed, accounts: Sequence[Account], page: str = "lists.show"
) -> dict[str, Any]:
    """Return what the template of the list shows.

    :param page: the endpoint that the list goes on at.
    """
    chosen, counted = _chosen_in(asked), _counted(found.tweets)
    before = {} if asked.before is None else {"before": asked.before}
    return {
        "tweets": views.tweet_views(found.tweets),
        "tabs": [
            (label, url_for("lists.show", **chosen | {"tab": tab}), counted.counts[tab])
            for tab, label in _labels().items()
        ],
        "tab_shown": _labels()[asked.tab],
        "counted_at": counted.as_of,
        "asked": asked,
        "is_part": bool(chosen),
        "place": {"tab": asked.tab} | chosen | before,
        "choices": [(one.id, f"@{one.handle}", networks()[one.network].title) for one in accounts],
        "newer_url": url_for(page, **chosen) if asked.before is not None else None,
        "older_url": found.next_before and url_for(page, **chosen, before=found.next_before),
    }


def _counted(tweets: Sequence[Tweet]) -> tweet_counts.Counted:
    """Return the numbers; none that are older than a tweet beside them, which would contradict."""
    counted = tweet_counts.of(current_user.id)
    if counted.as_of and any(tweet.created_at > counted.as_of for tweet in tweets):
        return tweet_counts.Counted(dict.fromkeys(counted.counts), None)
    return counted


def _chosen_in(asked: calls.TweetsQuery) -> dict[str, Any]:
    """Return what an address has to say to show the same tab and search."""
    tab = None if asked.tab == tweet_lists.ALL else asked.tab
    given = {"tab": tab, "q": asked.q, "account": asked.account}
    return {name: value for name, value in given.items() if value}


def _labels() -> dict[str, str]:
    return {
        "all": pgettext("tab", "All"),
        "scheduled": pgettext("tab", "Scheduled"),
        "sent": pgettext("tab", "Sent"),
        "failed": pgettext("tab", "Failed"),
        "waiting": pgettext("tab", "Waiting for you"),
    }
