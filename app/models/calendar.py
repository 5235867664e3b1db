"""What of a person's tweets is due in a span of time, for the calendar.

A tweet may be due at several moments, as each account's queue has times of its own. It is shown at
each of them, with what is due then. What was cancelled is not shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, Text

from app.db import EPOCH, db, read, table_given
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

_MEANT = table_given("meant", {"id": BigInteger()})
_TEXTS = db.select(Tweet.id, Tweet.text).join(_MEANT, _MEANT.c.id == Tweet.id)


class CalendarKind(NamedTuple):
    """What entries have in common with many others."""

    state: str
    networks: tuple[str, ...]
    """Their names, each once, in the order of the accounts."""
    movable: bool
    """Something of it still waits, so its owner may move that to another time."""

    @property
    def needs_owner(self) -> bool:
        """True when it failed, or waits for its owner."""
        return self.state in NEEDS_OWNER


class CalendarEntry(NamedTuple):
    """What of a tweet is due at one moment."""

    tweet_id: int
    due_at: datetime
    kind: CalendarKind


def entries(networks: Mapping[int, str], since: datetime, until: datetime) -> list[CalendarEntry]:
    """Return what is due for some accounts from a moment on and before another, in that order.

    It is one query, which reads the index of accounts, states and due times, and gives a row for
    each entry. What the words are is asked separately, as a page shows few of them.

    :param networks: the network of each account, by its id. The caller has made sure whose they
        are.
    """
    if not networks:
        return []
    milliseconds = db.type_coerce(Delivery.due_at, BigInteger)  # made moments once for each entry
    together = db.func.aggregate_strings
    jobs: Select[Any] = (
        db.select(
            milliseconds,
            Delivery.tweet_id,
            together(db.cast(Delivery.account_id, Text), " "),
            together(Delivery.state, " "),
        )
        .where(
            Delivery.account_id.in_(networks),
            Delivery.state.in_(SHOWN),
            Delivery.due_at >= since,
            Delivery.due_at < until,
        )
        .group_by(Delivery.due_at, Delivery.tweet_id)
        .order_by(Delivery.due_at, Delivery.tweet_id)
    )

    @cache
    def kind_of(accounts: str, states: str) -> CalendarKind:
        said = states.split()
        return CalendarKind(
            state=next(state for state in SHOWN if state in said),
            networks=tuple(
                dict.fromkeys(networks[one] for one in sorted(map(int, accounts.split())))
            ),
            movable=any(state in WAITING for state in said),
        )

    return [
        CalendarEntry(tweet_id, EPOCH + timedelta(milliseconds=due), kind_of(accounts, states))
        for due, tweet_id, accounts, states in map(tuple, read(jobs, {}))
    ]


def texts_of(tweet_ids: Iterable[int]) -> dict[int, str]:
    """Return the words of some tweets, of the first part of each, by their ids."""
    return {
        row.id: row.text
        for row in read(_TEXTS, {"meant": json.dumps([[one] for one in set(tweet_ids)])})
    }
