"""Reads what is known of a person's past: imported posts, likes and follows, and sent tweets.

Rows are streamed and added up one by one: a long past needs no more memory than a short one.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, exists, select

from app.db import db
from app.learning.tally import Tally, median, recency, success
from app.learning.words import WordReader, person
from app.models import Delivery, LearnedItem, Tweet, User, contents_of, sameness
from app.networks import ReadKind
from app.states import State

MAX_POSTS, MAX_SENT, MAX_LIKES, MAX_FOLLOWS = 3_000, 500, 1_000, 500
"""The newest that are read of each; 5,000 in all."""
AT_A_TIME = 200
"""Rows that are in memory at once."""
LIKE = FOLLOW = 0.5
"""What these count beside a post of the person's own."""
AGED = timedelta(days=30)
"""How old a post is before it is worth saying again."""
MAX_POSTS_KEPT, MAX_LIKES_KEPT = 60, 60
"""Those that suggestions may be made of."""
MIN_WORDS = 3


class PastPost(NamedTuple):
    """A post of the person's own that may be said again; the best come last when sorted."""

    factor: float
    """How its answers compare with the usual: 2 for twice as many."""
    item_id: int
    at: datetime
    answers: int


@dataclass
class Past:
    """What was found."""

    tally: Tally = field(default_factory=Tally)
    posts: list[PastPost] = field(default_factory=list)
    """The most successful ones of those that are old enough, the best first."""
    likes: list[int] = field(default_factory=list)
    """Ids of liked posts, the latest first."""


def read(user: User, now: datetime, breathe: Callable[[], object]) -> Past:
    """Return what is known of a person.

    :param breathe: called between rows now and then: others need the processor, too.
    """
    return _Reading(user, now, breathe).past


class _Reading:
    """One look at one person."""

    def __init__(self, user: User, now: datetime, breathe: Callable[[], object]) -> None:
        self.past = Past()
        self._tally = self.past.tally
        self._user, self._now, self._breathe = user, now, breathe
        self._words = WordReader(user.locale)
        self._accounts = [account.id for account in user.accounts]
        self._own = {person(account.handle) for account in user.accounts}
        self._seen: set[str] = set()
        """Texts that are counted already: sent here and imported, or on several networks."""
        self._posts()
        self._sent()
        self._likes()
        self._follows()
        for key in self._own:
            self._tally.terms.pop(key, None)

    def _posts(self) -> None:
        usual = self._usual_answers()
        best: list[PastPost] = []
        for item in self._items(ReadKind.POSTS, MAX_POSTS):
            factor = success(answers := answers_to(item), usual[item.account_id])
            if not self._count(item.text, item.sort_at, factor, item.text_key):
                continue
            if item.sort_at < self._now - AGED and len(item.text.split()) >= MIN_WORDS:
                relative = ((answers or 0) + 1) / (usual[item.account_id] + 1)
                post = PastPost(relative, item.id, item.sort_at, answers or 0)
                (heapq.heappush if len(best) < MAX_POSTS_KEPT else heapq.heappushpop)(best, post)
        self.past.posts = sorted(best, reverse=True)

    def _usual_answers(self) -> dict[int, float]:
        """Return the median of the answers to the posts of each account."""
        numbers: defaultdict[int, list[int]] = defaultdict(list)
        for item in self._items(ReadKind.POSTS, MAX_POSTS):
            if (answers := answers_to(item)) is not None:
                numbers[item.account_id].append(answers)
        return defaultdict(float, {account: median(known) for account, known in numbers.items()})

    def _sent(self) -> None:
        published = exists().where(Delivery.tweet_id == Tweet.id, Delivery.state == State.PUBLISHED)
        sent = (
            select(Tweet.text, Tweet.parts, Tweet.due_at)
            .where(Tweet.user_id == self._user.id, published)
            .order_by(Tweet.id.desc())
            .limit(MAX_SENT)
        )
        for tweet in self._rows(sent):
            for part in contents_of(tweet.text, tweet.parts, None):
                self._count(part.text, tweet.due_at, 1.0, None)

    def _likes(self) -> None:
        for item in self._items(ReadKind.LIKES, MAX_LIKES):
            weight = LIKE * recency(item.sort_at, self._now)
            terms = self._words.terms(item.text)
            if item.author:
                terms[person(item.author)] = f"@{item.author}"
            self._tally.add(terms, weight)
            enough = len(item.text.split()) >= MIN_WORDS
            if enough and len(self.past.likes) < MAX_LIKES_KEPT:
                self.past.likes.append(item.id)

    def _follows(self) -> None:
        for item in self._items(ReadKind.FOLLOWS, MAX_FOLLOWS):
            if item.author:
                weight = FOLLOW * recency(item.sort_at, self._now)
                self._tally.add({person(item.author): f"@{item.author}"}, weight)

    def _count(self, text: str, at: datetime, factor: float, text_key: str | None) -> bool:
        """Count a post of the person's own; False for one whose text was counted before."""
        key = text_key or sameness.text_key(text)
        if not text or key in self._seen:
            return False
        self._seen.add(key)
        weekday = at.astimezone(self._user.zone).weekday()
        self._tally.add(self._words.terms(text), factor * recency(at, self._now), weekday)
        return True

    def _items(self, kind: ReadKind, most: int) -> Iterator[Row[Any]]:
        item = LearnedItem
        columns = (item.id, item.account_id, item.text, item.text_key, item.author, item.sort_at)
        mine = (item.account_id.in_(self._accounts), item.kind == kind, ~item.hidden)
        order = (item.sort_at.desc(), item.id.desc())
        found: Any = select(*columns, item.likes, item.reposts, item.replies)
        yield from self._rows(found.where(*mine).order_by(*order).limit(most))

    def _rows(self, statement: Any) -> Iterator[Row[Any]]:
        with db.session.execute(statement, execution_options={"yield_per": AT_A_TIME}) as rows:
            for number, row in enumerate(rows):
                if number % 50 == 0:
                    self._breathe()
                yield row


def answers_to(item: Row[Any]) -> int | None:
    """Return how many likes, reposts and replies a post got; None when nothing is told of them."""
    told = [number for number in (item.likes, item.reposts, item.replies) if number is not None]
    return sum(told) if told else None
