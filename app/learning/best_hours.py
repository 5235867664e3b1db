"""At which hours an account's posts are answered most, by its own past.

An hour of the week is as good as its posts were answered in comparison with the account's median.
A few posts prove little, so an hour with few is drawn towards the median.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from flask import current_app
from sqlalchemy import func, select, update

from app.db import database_now, db, from_now, rows_changed, utcnow
from app.models import ENOUGH, Account, BestHours, Delivery, LearnedItem, PostNumbers, User
from app.networks import ReadKind
from app.states import State

LOOKED_AT = 2_000
"""Posts that are looked at, of those that were imported and of ours, the newest."""
SHRINKING = 3
"""So many posts as the median are added to each hour."""
LEAST = 2
"""Posts without which an hour is not told."""
TOLD = 3
"""Hours that are told at most."""


class Answered(NamedTuple):
    """A post and how often it was answered."""

    at: datetime
    answers: int


def look_again(account_id: int) -> None:
    """Let an account's best hours be worked out anew, soon; the caller commits."""
    soon = from_now(current_app.config["INTERESTS_DELAY"])
    this = update(BestHours).where(BestHours.account_id == account_id)
    due_at = func.coalesce(BestHours.due_at, soon)
    if not rows_changed(this.values(due_at=due_at)):
        row = BestHours(account_id=account_id, posts=0, best=[], zone="UTC")
        row.due_at = soon
        db.session.add(row)
        db.session.flush()


def zone_changed(user_id: int) -> None:
    """Let the best hours of a person be worked out in another time zone; the caller commits."""
    theirs = select(Account.id).where(Account.user_id == user_id)
    mine = update(BestHours).where(BestHours.account_id.in_(theirs))
    rows_changed(mine.values(due_at=from_now()))


def work_out_next() -> bool:
    """Work out the best hours of an account that are due; False when none are. Repeatable."""
    due = select(BestHours).where(BestHours.due_at <= from_now()).order_by(BestHours.due_at)
    row = db.session.scalar(due.limit(1))
    if row is None:
        db.session.commit()
        return False
    zone = db.session.scalar(
        select(User.timezone)
        .join(Account, Account.user_id == User.id)
        .where(Account.id == row.account_id)
    )
    posts = _posts(row.account_id)
    found = {
        "posts": len(posts),
        "best": best(posts, ZoneInfo(zone or "UTC")) if len(posts) >= ENOUGH else [],
        "zone": zone or "UTC",
        "as_of": database_now(),
        "due_at": None,
    }
    this = (BestHours.account_id == row.account_id, BestHours.due_at == row.due_at)
    rows_changed(update(BestHours).where(*this).values(found))
    db.session.commit()
    return True


def best(posts: Sequence[Answered], zone: ZoneInfo) -> list[dict[str, int]]:
    """Return ``{"weekday": 1..7, "hour"}`` of the hours above the median, the best first."""
    worth = [(one.at.astimezone(zone), math.log1p(one.answers)) for one in posts]
    usual = median(value for _, value in worth)
    gathered: dict[tuple[int, int], list[float]] = defaultdict(list)
    for at, value in worth:
        gathered[at.isoweekday(), at.hour].append(value - usual)
    scores = {
        place: sum(values) / (len(values) + SHRINKING)
        for place, values in gathered.items()
        if len(values) >= LEAST
    }
    above = sorted((-score, place) for place, score in scores.items() if score > 0)
    return [{"weekday": weekday, "hour": hour} for _, (weekday, hour) in above[:TOLD]]


def next_moment(hours: Mapping[str, int], zone: ZoneInfo, now: datetime) -> datetime:
    """Return when such an hour of the week begins next, in the zone."""
    here = now.astimezone(zone)
    days = (hours["weekday"] - here.isoweekday()) % 7
    begins = here.replace(hour=hours["hour"], minute=0, second=0, microsecond=0)
    found = begins + timedelta(days=days)
    return found if found > here else found + timedelta(days=7)


def _posts(account_id: int) -> list[Answered]:
    """Return what is known of an account's posts, each once."""
    first = current_app.config["NUMBERS_AFTER"][:1] or [0]
    until = utcnow() - timedelta(seconds=first[0])
    known: dict[str, Answered] = {}
    for remote_id, at, *told in [*_imported(account_id), *_ours(account_id)]:
        counts = [count for count in told if count is not None]
        if at is None or at > until or not counts:
            continue  # too young to compare, or nothing is told
        before = known.get(remote_id)
        known[remote_id] = Answered(at, max(sum(counts), before.answers if before else 0))
    return list(known.values())


def _imported(account_id: int) -> Iterable[Any]:
    told = (LearnedItem.likes, LearnedItem.reposts, LearnedItem.replies)
    mine = (LearnedItem.account_id == account_id, LearnedItem.kind == ReadKind.POSTS)
    newest = LearnedItem.sort_at.desc(), LearnedItem.id.desc()
    query = select(LearnedItem.remote_id, LearnedItem.created_at, *told)
    return db.session.execute(
        query.where(*mine, ~LearnedItem.hidden).order_by(*newest).limit(LOOKED_AT)
    )


def _ours(account_id: int) -> Iterable[Any]:
    told = (PostNumbers.likes, PostNumbers.reposts, PostNumbers.replies)
    return db.session.execute(
        select(Delivery.remote_id, Delivery.accepted_at, *told)
        .join(PostNumbers, PostNumbers.delivery_id == Delivery.id)
        .where(
            Delivery.account_id == account_id,
            Delivery.state == State.PUBLISHED,
            PostNumbers.at.is_not(None),
        )
        .order_by(Delivery.accepted_at.desc())
        .limit(LOOKED_AT)
    )
