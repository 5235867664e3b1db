"""The tabs of a person's list of tweets, and the query that finds what is in one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_, select

from app.db import parts_say, text_says
from app.models.account import Account
from app.models.delivery import Delivery
from app.models.tweet import Tweet
from app.states import AWAKE, State

ALL = "all"
STATES: Mapping[str, frozenset[State]] = {
    "scheduled": AWAKE,
    "sent": frozenset({State.PUBLISHED}),
    "failed": frozenset({State.FAILED}),
    "waiting": frozenset({State.HELD, State.REVIEW}),
}
"""Which states of a job put its tweet into a tab. A tweet with several jobs may be in several."""
TABS = (ALL, *STATES)


def matching(
    user_id: int, tab: str = ALL, words: str = "", account_id: int | None = None
) -> Select[Any]:
    """Return the query for a person's tweets, in no order.

    :param words: what must be in the text of a part, in upper or lower case; "" for any text.
    :param account_id: only what is for this one of their accounts, in the tab's states there.
    """
    query = select(Tweet).where(Tweet.user_id == user_id)
    if tab != ALL or account_id is not None:
        query = query.where(exists().where(*_job_in(user_id, tab, account_id)))
    return query.where(_says(words)) if words else query


def _job_in(user_id: int, tab: str, account_id: int | None) -> list[ColumnElement[bool]]:
    """Return the conditions on a job. With accounts, the database may begin at the few failed."""
    mine = select(Account.id).where(Account.user_id == user_id)
    whose: ColumnElement[bool] = Delivery.account_id.in_(mine)
    if account_id is not None:
        whose = Delivery.account_id == account_id
    in_tab = [] if tab == ALL else [Delivery.state.in_(sorted(STATES[tab]))]
    return [Delivery.tweet_id == Tweet.id, whose, *in_tab]


def _says(words: str) -> ColumnElement[bool]:
    """Return the condition that a part has these words, also one that only one account gets."""
    own = (Delivery.tweet_id == Tweet.id, Delivery.parts.is_not(None))
    return or_(
        text_says(Tweet.text, words),
        parts_say(Tweet.parts, words),
        exists().where(*own, parts_say(Delivery.parts, words)),
    )
