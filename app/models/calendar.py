"""What of a person's tweets is due in a span of time, for the calendar.

A tweet may be due at several moments, as each account's queue has times of its own. It is shown at
each of them, with what is due then. What was cancelled is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Row

from app.db import EPOCH, db, read
from app.models.delivery import Delivery
from app.models.transitions import WAITING
from app.models.tweet import Tweet
from app.states import State

SHOWN = (
    State.FAILED,
    State.REVIEW,
    State.HELD,
    State.UNCONFIRMED,
    State.SENDING,
    State.CLAIMED,
    State.SCHEDULED,
    State.PUBLISHED,
)
"""The states that are shown. Of several jobs the first of these is said: what needs its owner, what
is on its way, what waits, what is over."""
NEEDS_OWNER = (State.FAILED, State.REVIEW, State.HELD)


class CalendarEntry(NamedTuple):
    """What of a tweet is due at one moment."""

    tweet_id: int
    text: str
    """Of the tweet's first part."""
    due_at: datetime
    state: str
    networks: tuple[str, ...]
    """Their names, each once, in the order of the accounts."""
    movable: bool
    """Something of it still waits, so its owner may move that to another time."""

    @property
    def needs_owner(self) -> bool:
        """True when it failed, or waits for its owner."""
        return self.state in NEEDS_OWNER


def entries(networks: Mapping[int, str], since: datetime, until: datetime) -> list[CalendarEntry]:
    """Return what is due for some accounts from a moment on and before another, in that order.

    These are two queries, and both read the index of accounts, states and due times.

    :param networks: the network of each account, by its id. The caller has made sure whose they
        are.
    """
    if not networks:
        return []
    is_due = (
        Delivery.account_id.in_(networks),
        Delivery.state.in_(SHOWN),
        Delivery.due_at >= since,
        Delivery.due_at < until,
    )
    order = (Delivery.due_at, Delivery.tweet_id, Delivery.account_id)
    milliseconds = db.type_coerce(Delivery.due_at, BigInteger)  # made moments once for each entry
    columns = (milliseconds, Delivery.tweet_id, Delivery.account_id, Delivery.state)
    jobs = db.select(*columns).where(*is_due).order_by(*order)
    found = read(jobs, {})
    meant = db.select(Delivery.tweet_id).where(*is_due)
    tweets = read(db.select(Tweet.id, Tweet.text).where(Tweet.id.in_(meant)), {})
    texts = {tweet.id: tweet.text for tweet in tweets}
    return [
        _entry(due, tweet_id, texts.get(tweet_id, ""), list(group), networks)
        for (due, tweet_id), group in groupby(found, key=itemgetter(0, 1))
    ]


def _entry(
    due: int, tweet_id: int, text: str, jobs: Sequence[Row[Any]], networks: Mapping[int, str]
) -> CalendarEntry:
    """Return the entry of these jobs.

    :param due: milliseconds since 1970, as the database has them.
    """
    states = {job.state for job in jobs}
    return CalendarEntry(
        tweet_id=tweet_id,
        text=text,
        due_at=EPOCH + timedelta(milliseconds=due),
        state=next(state for state in SHOWN if state in states),
        networks=tuple(dict.fromkeys(networks[job.account_id] for job in jobs)),
        movable=not states.isdisjoint(WAITING),
    )
