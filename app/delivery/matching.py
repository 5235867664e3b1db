"""Decides which delivery made a post that a look-up found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, Update, exists
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from app import broker
from app.db import db, retry_transient, rows_changed
from app.delivery import threads
from app.delivery.threads import posted_as
from app.models import Delivery, Tweet, transitions
from app.networks import Network, SeenPost
from app.states import State

WINDOW = timedelta(seconds=120)
"""How far before the first send a post may be dated: the two clocks may differ."""


def is_dated_well(row: Row[Any], post: SeenPost) -> bool:
    """True when one of the row's sends may have made this post, if both clocks are right."""
    return post.created_at is None or post.created_at >= row.first_sent_at - WINDOW


def may_be_it(row: Row[Any], alike: Sequence[SeenPost], network: Network) -> bool:
    """True when an equal tweet may have made the post, or the post is older than our first send.

    An older post counts only when it belongs to none of our rows: our clock may have been ahead.
    """
    if not alike:
        return False
    if db.session.scalar(db.select(has_equal_tweet(row, State.SENDING, network))):
        return True
    strange = [post for post in alike if not is_dated_well(row, post)]
    return any(belongs_to_no_row(row, post) for post in strange)


def belongs_to_no_row(row: Row[Any], post: SeenPost) -> bool:
    """True for a post that is not recorded for any delivery of the account."""
    return not db.session.scalar(db.select(_is_ours(row, post.remote_id)))


def _is_ours(row: Row[Any], remote_id: str) -> Any:
    known = exists().where(Delivery.account_id == row.account_id, Delivery.remote_id == remote_id)
    return known | threads.is_anothers_part(row, remote_id)


def bind(row: Row[Any], post: SeenPost, network: Network) -> bool:
    """Record the post for this delivery, unless it belongs, or may belong, to another one."""
    # The network may cut its timestamp to whole seconds; no post is older than our first send.
    accepted_at = max(post.created_at or row.first_sent_at, row.first_sent_at)
    posted = [*row.posted, posted_as(post.remote_id, post.url or None, post.reference)]
    parts = len(threads.parts_of(row, network))

    def store() -> bool:
        threads.one_at_a_time(row.account_id)
        free = (
            ~has_equal_tweet(row, State.SENDING, network),
            ~threads.is_anothers_part(row, post.remote_id),
        )
        return run(transitions.find_part(posted, parts, accepted_at, *as_read(row), *free))

    try:
        bound = retry_transient(store)
    except IntegrityError:
        db.session.rollback()
        return False
    if bound and len(posted) >= parts:
        broker.store_results([(row.id, broker.SUCCESS, posted[0]["remote_url"])])
    return bound


def has_equal_tweet(row: Row[Any], state: State, network: Network) -> Any:
    """Return the condition that the account has another tweet of equal text in this state."""
    other, its_tweet = aliased(Delivery), aliased(Tweet)
    texts = [part.text for part in threads.parts_of(row, network)]
    alike = its_tweet.text == row.text
    if state == State.SENDING:  # a delivery being sent may be at any part of its thread
        alike = threads.may_read_alike(other, its_tweet, texts)
    return exists().where(
        other.account_id == row.account_id,
        other.id != row.id,
        other.state == state,
        its_tweet.id == other.tweet_id,
        alike,
    )


def as_read(row: Row[Any]) -> tuple[Any, ...]:
    """Return the conditions that nobody has claimed the row since it was read."""
    return (Delivery.id == row.id, Delivery.fence == row.fence)


def run(statement: Update) -> bool:
    """Run and commit a transition of one row; False when the row was not as it has to be."""
    moved = rows_changed(statement)
    db.session.commit()
    return bool(moved)
