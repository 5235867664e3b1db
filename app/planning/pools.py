"""Pools: made and changed by people, and emptied into free slots by workers.

A worker takes slots that are still free a day before they come: what people add to the queue goes
first. The account's row is locked meanwhile, as for everybody who takes a slot, and one transaction
stores the tweet and which slot its text got. So a worker that is killed has done one of them whole
or not at all, and two workers give one slot once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.background import Run
from app.db import database_now, db, from_now, rollback_quietly
from app.models import (
    Account,
    Picture,
    Pool,
    PoolTweet,
    QuotaReached,
    User,
    content,
    pool,
    slot,
    submissions,
)
from app.networks import TextProblem
from app.planning.wordings import wordings

log = logging.getLogger(__name__)

Given = Mapping[str, Any]
"""``text`` and ``pictures`` of a tweet; None for pictures that it keeps, if it has any."""
AHEAD = timedelta(days=1)
"""How long before its time a free slot is given to a pool."""
SOON, LATER = timedelta(minutes=10), timedelta(hours=1)
"""Between two looks at a pool: at least, and at most."""
KEYS = "pool"
"""Whose idempotency keys these are."""
AT_A_TIME = 100
"""Pools that one run looks at."""


class TooManyPools(ValueError):
    """A person has as many pools as one may have; ``limit`` says how many."""

    def __init__(self) -> None:
        super().__init__(f"there are {pool.MAX_POOLS} pools already")
        self.limit = pool.MAX_POOLS


def create(
    user_id: int, account: Account, rest_s: int, given: Sequence[Given], submit_id: str | None
) -> Pool:
    """Store a pool and return it; the same ``submit_id`` again returns the one that is stored.

    :raises TextProblem: a text does not fit; ``params`` has the ``field`` it belongs to.
    :raises SubmitIdReused: the id came with something else before, or its pool is deleted.
    :raises TooManyPools: nothing was stored; the same for UnknownPicture.
    """
    made_from = submissions.digest_of([account.id, rest_s, list(given)])
    if known := _known(user_id, submit_id, made_from):
        return known
    cleaned = checked(account, given)
    count = db.session.scalar(select(db.func.count()).where(Pool.user_id == user_id)) or 0
    if count >= pool.MAX_POOLS:
        raise TooManyPools
    row = Pool(user_id=user_id, account_id=account.id, rest_s=rest_s, submit_id=submit_id)
    row.next_at, row.made_from = from_now(), made_from if submit_id else None
    row.tweets = [
        PoolTweet(position=n, text=one["text"], pictures=one["pictures"])
        for n, one in enumerate(cleaned)
    ]
    db.session.add(row)
    try:
        _claim_pictures(user_id, cleaned)
        db.session.commit()
    except IntegrityError:  # the same request at the same time was quicker
        db.session.rollback()
        if known := _known(user_id, submit_id, made_from):
            return known
        raise
    return row


def _known(user_id: int, submit_id: str | None, made_from: str) -> Pool | None:
    """Return the pool of a key; raises SubmitIdReused."""
    submissions.refuse_spent(user_id, KEYS, submit_id)
    known = pool.submitted(user_id, submit_id) if submit_id else None
    if known is not None and known.made_from:  # old rows say nothing about that
        submissions.refuse_others(known.made_from, made_from)
    return known


def checked(account: Account, given: Sequence[Given]) -> list[Given]:
    """Return tweets as they are stored; raises TextProblem for one that does not fit."""
    cleaned: list[Given] = []
    for number, one in enumerate(given):
        try:
            for words in wordings(one["text"]):
                content.check(content.draft_of(words, pictures=one["pictures"] or ()), [account])
        except TextProblem as problem:
            problem.params["field"] = f"tweets-{number}"
            raise
        text = content.draft_of(one["text"]).text
        cleaned.append({"text": text, "pictures": one["pictures"]})
    return cleaned


def repeats_itself(row: Pool) -> bool:
    """Return whether some text of a pool has only one wording, so that it is the same each time."""
    return any(len(_wordings_of(one)) == 1 for one in row.tweets)


def _wordings_of(text: PoolTweet) -> list[str]:
    try:
        return wordings(text.text)
    except TextProblem:  # stored before words in braces took turns
        return [text.text]


def _claim_pictures(user_id: int, given: Sequence[Given], known: Sequence[str] = ()) -> None:
    for one in given:
        Picture.claim(user_id, one["pictures"] or (), known=known)


def change(row: Pool, rest_s: int | None, given: Sequence[Given] | None) -> None:
    """Change how long texts rest, or which there are; the same text stays as rested as it is.

    :param given: already ``checked``; None leaves them as they are.
    :raises UnknownPicture: nothing is committed.
    """
    if rest_s is not None:
        row.rest_s = rest_s
    if given is not None:
        known = [name for one in row.tweets for name in one.pictures or ()]
        _claim_pictures(row.user_id, given, known)
        before = {one.text: one for one in row.tweets}
        wanted = {one["text"]: one["pictures"] for one in given}
        row.tweets = [before.get(text) or PoolTweet(text=text) for text in wanted]
        for number, tweet in enumerate(row.tweets):
            tweet.position = number
            if (pictures := wanted[tweet.text]) is not None:
                tweet.pictures = pictures
    row.next_at = from_now()
    db.session.commit()


def remove(row: Pool) -> None:
    """Delete a pool; what it has put into the queue stays there."""
    submissions.spend(row.user_id, KEYS, [row.submit_id])
    db.session.delete(row)
    db.session.commit()


def feed_due(run: Run) -> str:
    """Give free slots to all pools that are to be looked at; return how many tweets got one."""
    due = select(Pool.id).where(Pool.next_at <= from_now()).order_by(Pool.next_at)
    found = list(db.session.scalars(due.limit(AT_A_TIME)))
    db.session.commit()
    count = 0
    for pool_id in found:
        run.advance(0)
        try:
            count += feed(pool_id)
        except SQLAlchemyError as error:
            log.error("pool %s was not looked at: %s", pool_id, type(error).__name__)
            rollback_quietly()
    return str(count)


def feed(pool_id: int) -> int:
    """Give the free slots of the next day to a pool; return how many. Each is a transaction."""
    count = 0
    while _feed_one(pool_id):
        count += 1
    return count


def _feed_one(pool_id: int) -> bool:
    """Give one free slot to a pool; else note when to look again. Commits."""
    row = db.session.get(Pool, pool_id, populate_existing=True)
    account = row and db.session.get(Account, row.account_id)
    if row is None or account is None:
        db.session.rollback()
        return False
    now = database_now()
    owner = db.session.get_one(User, row.user_id)
    slot.lock(account.id)
    free = slot.next_free(account, owner.zone, 1) if account.connected else []
    if not free or owner.delete_at is not None:
        return _look_again(row, now + LATER)
    moment = free[0].at
    if moment > now + AHEAD:
        return _look_again(row, max(now + SOON, min(moment - AHEAD, now + LATER)))
    text = _rested(row, moment)
    if text is None:
        return _look_again(row, now + LATER)
    try:
        ways = _wordings_of(text)
        pool.give(row, text, ways[text.times % len(ways)], account, moment)
        db.session.commit()
    except QuotaReached:
        db.session.rollback()
        return _look_again(db.session.get_one(Pool, pool_id), now + SOON)
    return True


def _look_again(row: Pool, at: datetime) -> bool:
    row.next_at = at
    db.session.commit()
    return False


def _rested(row: Pool, moment: datetime) -> PoolTweet | None:
    """Return the text that rests longest, if that is long enough by then."""
    by_rest = sorted(row.tweets, key=lambda one: (one.last_at is not None, one.last_at or moment))
    first = by_rest[0] if by_rest else None
    if first is None or first.last_at is None:
        return first
    return first if first.last_at + timedelta(seconds=row.rest_s) <= moment else None
