"""The Tweets that the sandbox accepted, and who may see which of them when."""

import bisect
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sandbox.core.clock import Clock, iso
from sandbox.core.store import Store
from sandbox.x.media import Media
from sandbox.x.records import Person, Tweet
from sandbox.x.settings import Settings
from sandbox.x.text import with_picture_link, wrap_links

EPOCH_MS = 1_288_834_974_657  # where X's own ids begin to count
KIND = "x_tweet"
TIMELINE_DEPTH = 3200


class Duplicate(Exception):
    """The same account posted the same text within the duplicate window."""


@dataclass(frozen=True)
class Draft:
    """A Tweet that passed every check of its own, with what accepting it will need."""

    text: str
    in_reply_to: str | None
    client: str
    shown: str
    urls: list[dict[str, Any]]
    pictures: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, text: str, in_reply_to: str | None, client: str) -> "Draft":
        """Prepare ``text`` (already normalised)."""
        shown, urls = wrap_links(text)
        return cls(text, in_reply_to, client, shown, urls)

    def with_pictures(self, pictures: list[Media]) -> "Draft":
        """The draft with these; a link that stands for them ends the text that X shows."""
        if not pictures:
            return self
        for media in pictures:
            media.is_used = True
        shown, urls = with_picture_link(self.shown, self.urls, pictures[0].id)
        listed = [{"id": media.id, "alt": media.alt} for media in pictures]
        return replace(self, shown=shown, urls=urls, pictures=listed)


class TweetBook:
    """Every Tweet in order of acceptance. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: Settings, store: Store) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._last_id = 0
        self._forget()
        for record in store.records(KIND):
            self._index(Tweet(**record))

    def next_id(self) -> str:
        """A new time-ordered id, as a decimal string."""
        stamp = (int(time.time() * 1000) - EPOCH_MS) << 22
        self._last_id = max(stamp, self._last_id + 1)
        return str(self._last_id)

    def accept(self, person: Person, draft: Draft) -> Tweet:
        """Publish ``draft``. Raises Duplicate, and then nothing was published."""
        now = self._clock.now()
        key = (person.id, draft.text)
        last_at = float("-inf") if draft.pictures else self._last_at.get(key, float("-inf"))
        if now - last_at < self._settings.duplicate_window:
            raise Duplicate
        tweet = Tweet(
            id=self.next_id(),
            person_id=person.id,
            text=draft.text,
            shown=draft.shown,
            urls=draft.urls,
            created_at=time.time(),
            clock_at=now,
            in_reply_to=draft.in_reply_to,
            client=draft.client,
            pictures=draft.pictures,
        )
        self._index(tweet)
        self._store.put(KIND, tweet.id, asdict(tweet))
        return tweet

    def delete(self, tweet: Tweet) -> None:
        """Hide ``tweet``. Its text still counts as posted for the duplicate rule."""
        tweet.deleted = True
        self._store.put(KIND, tweet.id, asdict(tweet))

    def find(self, tweet_id: str) -> Tweet | None:
        """The Tweet of that id, unless it was deleted."""
        tweet = self._by_id.get(tweet_id)
        return None if tweet is None or tweet.deleted else tweet

    def visible(self, tweet_id: str) -> Tweet | None:
        """The Tweet of that id, once the read lag has passed."""
        tweet = self.find(tweet_id)
        return tweet if tweet is not None and self._is_readable(tweet) else None

    def timeline(self, person_id: str) -> Iterator[Tweet]:
        """What the API shows of an account, newest first, at most 3,200 Tweets deep."""
        mine = self._by_person.get(person_id, [])
        for tweet in reversed(mine[-TIMELINE_DEPTH:]):
            if not tweet.deleted and self._is_readable(tweet):
                yield tweet

    def newest(self, limit: int, person_id: str | None = None) -> list[Tweet]:
        """The latest Tweets that are not deleted, lag or not, newest first."""
        every = self._all if person_id is None else self._by_person.get(person_id, [])
        found: list[Tweet] = []
        for tweet in reversed(every):
            if len(found) == limit:
                break
            if not tweet.deleted:
                found.append(tweet)
        return found

    def everything(self) -> list[Tweet]:
        """Every accepted Tweet, deleted ones too, in order of acceptance."""
        return list(self._all)

    def posted_twice(self) -> list[tuple[str, str, int]]:
        """``(person_id, text, times)`` of every text that an account posted more than once."""
        counted = Counter((tweet.person_id, tweet.text) for tweet in self._all)
        return [(person, text, times) for (person, text), times in counted.items() if times > 1]

    def clear(self) -> None:
        """Forget every Tweet."""
        self._forget()
        self._store.empty(KIND)

    def _forget(self) -> None:
        self._all: list[Tweet] = []
        self._by_id: dict[str, Tweet] = {}
        self._by_person: dict[str, list[Tweet]] = {}
        self._last_at: dict[tuple[str, str], float] = {}

    def _index(self, tweet: Tweet) -> None:
        # Records come back ordered by key as text; ids of another length would sort wrongly.
        bisect.insort(self._all, tweet, key=_number)
        bisect.insort(self._by_person.setdefault(tweet.person_id, []), tweet, key=_number)
        self._by_id[tweet.id] = tweet
        self._last_at[tweet.person_id, tweet.text] = tweet.clock_at
        self._last_id = max(self._last_id, int(tweet.id))

    def _is_readable(self, tweet: Tweet) -> bool:
        return tweet.clock_at + self._settings.read_lag <= self._clock.now()


def as_fact(tweet: Tweet, handle: str) -> dict[str, Any]:
    """``tweet`` as the control API tells of it."""
    return {
        "id": tweet.id,
        "handle": handle,
        "text": tweet.text,
        "created_at": iso(tweet.created_at),
        "in_reply_to": tweet.in_reply_to,
        "deleted": tweet.deleted,
        "pictures": tweet.pictures,
    }


def mentions(tweet: Tweet, handle: str) -> bool:
    """Whether ``tweet`` names ``handle``."""
    return re.search(rf"@{re.escape(handle)}(?!\w)", tweet.text, re.IGNORECASE) is not None


def _number(tweet: Tweet) -> int:
    return int(tweet.id)
