"""How published tweets were answered, and the hours at which an account's do best."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import Blueprint, abort, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_babel import format_datetime
from flask_babel import gettext as _
from flask_login import current_user, login_required

from app.db import db, utcnow
from app.learning import best_hours, numbers
from app.models import Account, BestHours, Delivery, PostNumbers, Tweet
from app.states import State
from app.web import charts, rate_limits, schemas
from app.web.errors import wants_json
from app.web.i18n import exact_time, iso_utc

bp = Blueprint("answers", __name__)

PAGE = 100
DRAWN = 30
"""Tweets that are drawn, the newest of a page."""
LABEL_EVERY = 5


@bp.get("/numbers")
@rate_limits.reads
@login_required
def index() -> ResponseReturnValue:
    """Show an account's published tweets with their numbers, and its best hours."""
    asked = schemas.query(schemas.calls.NumbersQuery)
    account = _chosen(asked.account)
    if account is None:
        return render_template("learning/numbers.html", account=None, accounts=[])
    found = _published(account, asked.before)
    rows, following = found[:PAGE], found[PAGE - 1].tweet_id if found[PAGE:] else None
    answers = numbers.of_deliveries([row.id for row in rows])
    hours = db.session.get(BestHours, account.id)
    if wants_json():
        tweets = [_tweet(row, answers[row.id]) for row in rows]
        return jsonify(tweets=tweets, hours=_hours(hours), next=following)
    return render_template(
        "learning/numbers.html",
        account=account,
        accounts=current_user.accounts,
        tweets=[(row, answers[row.id]) for row in rows],
        chart=_drawn(rows[:DRAWN], answers),
        hours=hours,
        best=_best(hours),
        following=following,
        after=after_words,
    )


@bp.get("/numbers/hours")
@rate_limits.reads
@login_required
def hours() -> ResponseReturnValue:
    """Return the best hours alone, with the next moment of the best one, for the composer."""
    account = _chosen(schemas.query(schemas.calls.NumbersQuery).account)
    found = db.session.get(BestHours, account.id) if account else None
    return jsonify(hours=_hours(found), next=next(iter(_best(found)), None))


def _tweet(row: Delivery, answers: Iterable[PostNumbers]) -> dict[str, Any]:
    """Return a published tweet with its numbers, for programs."""
    return {
        "tweet_id": row.tweet_id,
        "job_id": row.id,
        "text": row.tweet.text,
        "published_at": row.accepted_at and iso_utc(row.accepted_at),
        "numbers": as_json(answers),
    }


def as_json(answers: Iterable[PostNumbers]) -> list[dict[str, Any]]:
    """Return numbers as programs see them."""
    return [
        {
            "after_s": one.after_s,
            "at": one.at and iso_utc(one.at),
            "likes": one.likes,
            "reposts": one.reposts,
            "replies": one.replies,
        }
        for one in answers
    ]


def _hours(found: BestHours | None) -> dict[str, Any]:
    """Return the best hours as programs see them."""
    if found is None:
        return {"enough": False, "posts": 0, "best": []}
    return {"enough": found.enough, "posts": found.posts, "best": found.best}


def after_words(seconds: int) -> str:
    """Return "1 hour" for 3600, in days from two on."""
    for size, one, many in _units():
        if seconds >= size and seconds % size == 0:
            count = seconds // size
            return one if count == 1 else many % {"count": count}
    return _("%(count)s seconds", count=seconds)


def _units() -> Sequence[tuple[int, str, str]]:
    return (
        (86_400, _("1 day"), _("%(count)s days", count="%(count)s")),
        (3_600, _("1 hour"), _("%(count)s hours", count="%(count)s")),
        (60, _("1 minute"), _("%(count)s minutes", count="%(count)s")),
    )


def _chosen(account_id: int | None) -> Account | None:
    """Return an account of the person, the first one by default; somebody else's is a 404."""
    accounts: list[Account] = current_user.accounts
    if account_id is None:
        return accounts[0] if accounts else None
    return next((one for one in accounts if one.id == account_id), None) or abort(404)


def _published(account: Account, before: int | None) -> list[Delivery]:
    """Return what was published on an account, the newest tweets first; one too many."""
    query = (
        db.select(Delivery)
        .join(Delivery.tweet)
        .where(
            Tweet.user_id == account.user_id,
            Delivery.account_id == account.id,
            Delivery.state == State.PUBLISHED,
        )
        .options(db.contains_eager(Delivery.tweet))
        .order_by(Tweet.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(Tweet.id < before)
    return list(db.session.scalars(query))


def _best(found: BestHours | None) -> list[dict[str, str]]:
    """Return when each of the best hours begins next: words for people, and for the time field."""
    if found is None or not found.enough:
        return []
    zone, now = current_user.zone, utcnow()
    moments = [best_hours.next_moment(one, zone, now) for one in found.best]
    return [
        {"label": _weekday_and_time(at), "when": at.strftime("%Y-%m-%d %H:%M"), "at": iso_utc(at)}
        for at in moments
    ]


def _weekday_and_time(at: Any) -> str:
    return format_datetime(at.replace(tzinfo=None), "EEE HH:mm", rebase=False)


def _drawn(rows: Sequence[Delivery], answers: dict[str, list[PostNumbers]]) -> Any:
    """Return a chart of the newest tweets, the oldest of them first; "" where nothing is known."""
    known = [
        (number, answers[row.id][-1], row) for number, row in enumerate(rows, 1) if answers[row.id]
    ]
    if not known:
        return ""
    known.reverse()
    words = {"likes": _("Likes"), "reposts": _("Reposts"), "replies": _("Replies")}
    series = [
        charts.Series(
            title,
            [
                (count := getattr(one, name) or 0, f"{_moment(row)}: {count} · {title}")
                for _number, one, row in known
            ],
        )
        for name, title in words.items()
    ]
    return charts.bars([str(number) for number, _one, _row in known], LABEL_EVERY, series)


def _moment(row: Delivery) -> str:
    return exact_time(row.accepted_at or row.due_at, seconds=False)
