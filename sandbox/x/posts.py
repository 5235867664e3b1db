"""The Tweets and pictures that the X of the sandbox accepted, and who may see which when."""

import bisect
import random
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sandbox.control import Like, PastPost
from sandbox.core import Clock, Store, iso
from sandbox.x import errors
from sandbox.x.records import Media, Person, Tweet
from sandbox.x.settings import XSettings
from sandbox.x.text import with_picture_link, wrap_links

EPOCH_MS = 1_288_834_974_657  # where X's own ids begin to count
TWEET = "x_tweet"
TIMELINE_DEPTH = 3200
MEDIA_LIFE = 86_400.0  # seconds that a picture can be used
PHONE = "Twitter for iPhone"
EXTRAS = ("reply_settings", "made_with_ai", "poll")
INVALID_MEDIA = "Your media IDs are invalid."


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
    extras: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str, in_reply_to: str | None, client: str, extras: dict[str, Any]) -> "Draft":
        """Prepare ``text`` (already normalised)."""
        shown, urls = wrap_links(text)
        return cls(text, in_reply_to, client, shown, urls, extras=extras)

    def with_pictures(self, pictures: list[Media]) -> "Draft":
        """The draft with these; a link that stands for them ends the text that X shows."""
        if not pictures:
            return self
        for media in pictures:
            media.is_used = True
        shown, urls = with_picture_link(self.shown, self.urls, pictures[0].id)
        listed = [{"id": media.id, "alt": media.alt} for media in pictures]
        return replace(self, shown=shown, urls=urls, pictures=listed)


class PostBook:
    """Every Tweet in order of acceptance. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: XSettings, store: Store) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._last_id = 0
        self._forget()
        for record in store.records(TWEET):
            self._index(Tweet(**record))

    def next_id(self) -> str:
        """A new time-ordered id, as a decimal string."""
        self._last_id = max(_id_of(time.time()), self._last_id + 1)
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
            extras=draft.extras,
        )
        self._index(tweet)
        self._save(tweet)
        if parent := self._by_id.get(draft.in_reply_to or ""):
            parent.replies += 1
            self._save(parent)
        return tweet

    def add_past(self, person_id: str, post: PastPost) -> None:
        """Put a Tweet of the past where it belongs in time."""
        tweet = past_tweet(person_id, post)
        while tweet.id in self._by_id:
            tweet.id = str(int(tweet.id) + 1)
        self._index(tweet)
        self._save(tweet)

    def edit(self, tweet: Tweet, text: str) -> Tweet:
        """Put a new version, with an id of its own, in the place of ``tweet``."""
        shown, urls = wrap_links(text)
        edited = replace(
            tweet,
            id=self.next_id(),
            text=text,
            shown=shown,
            urls=urls,
            created_at=time.time(),
            clock_at=self._clock.now(),
            is_past=True,
        )
        versions = [*(tweet.versions or [tweet.id]), edited.id]
        self._index(edited)
        for version in (self._by_id[one] for one in versions):
            version.versions = versions
            self._save(version)
        return edited

    def delete(self, tweet: Tweet) -> None:
        """Hide ``tweet`` in all versions. Its text still counts for the duplicate rule."""
        for version in (self._by_id[one] for one in tweet.versions or [tweet.id]):
            version.deleted = True
            self._save(version)

    def find(self, tweet_id: str) -> Tweet | None:
        """The Tweet of that id, unless it was deleted."""
        tweet = self._by_id.get(tweet_id)
        return None if tweet is None or tweet.deleted else tweet

    def visible(self, tweet_id: str) -> Tweet | None:
        """The Tweet of that id, once the read lag has passed."""
        tweet = self.find(tweet_id)
        return tweet if tweet is not None and self._is_readable(tweet) else None

    def timeline(self, person_id: str, before_id: int | None = None) -> Iterator[Tweet]:
        """What the API shows of an account, newest first, at most 3,200 Tweets deep."""
        mine = self._by_person.get(person_id, [])
        deepest = max(0, len(mine) - TIMELINE_DEPTH)
        end = len(mine)
        if before_id is not None:
            end = bisect.bisect_left(mine, before_id, key=_number)
        for place in range(end - 1, deepest - 1, -1):
            tweet = mine[place]
            if not (tweet.deleted or tweet.is_replaced) and self._is_readable(tweet):
                yield tweet

    def newest(self, limit: int, person_id: str | None = None) -> list[Tweet]:
        """The latest Tweets that are not deleted, lag or not, newest first."""
        every = self._all if person_id is None else self._by_person.get(person_id, [])
        found: list[Tweet] = []
        for tweet in reversed(every):
            if len(found) == limit:
                break
            if not (tweet.deleted or tweet.is_replaced):
                found.append(tweet)
        return found

    def everything(self) -> list[Tweet]:
        """Every accepted Tweet, deleted ones too, in order of acceptance."""
        return list(self._accepted)

    def past(self) -> list[Tweet]:
        """Every Tweet that came with a history or an edit, oldest first."""
        return [tweet for tweet in self._all if tweet.is_past]

    def posted_twice(self) -> list[tuple[str, str, int]]:
        """``(person_id, text, times)`` of every text that an account posted more than once."""
        counted = Counter((tweet.person_id, tweet.text) for tweet in self._accepted)
        return [(person, text, times) for (person, text), times in counted.items() if times > 1]

    def clear(self) -> None:
        """Forget every Tweet."""
        self._forget()
        self._store.empty(TWEET)

    def _forget(self) -> None:
        self._all: list[Tweet] = []
        self._accepted: list[Tweet] = []
        self._by_id: dict[str, Tweet] = {}
        self._by_person: dict[str, list[Tweet]] = {}
        self._last_at: dict[tuple[str, str], float] = {}

    def _index(self, tweet: Tweet) -> None:
        # Records come back ordered by key as text; ids of another length would sort wrongly.
        bisect.insort(self._all, tweet, key=_number)
        bisect.insort(self._by_person.setdefault(tweet.person_id, []), tweet, key=_number)
        self._by_id[tweet.id] = tweet
        if not tweet.is_past:
            bisect.insort(self._accepted, tweet, key=_number)
        key = (tweet.person_id, tweet.text)
        self._last_at[key] = max(tweet.clock_at, self._last_at.get(key, tweet.clock_at))
        self._last_id = max(self._last_id, int(tweet.id))

    def _save(self, tweet: Tweet) -> None:
        self._store.put(TWEET, tweet.id, asdict(tweet))

    def _is_readable(self, tweet: Tweet) -> bool:
        return tweet.clock_at + self._settings.read_lag <= self._clock.now()


@dataclass
class MediaBook:
    """Every picture, kept until the sandbox stops. The caller holds the state's lock."""

    clock: Clock
    by_id: dict[str, Media] = field(default_factory=dict)

    def add(self, person_id: str, moves: bool = False) -> Media:
        """Store one."""
        media = Media(
            str(secrets.randbits(62)), person_id, self.clock.now() + MEDIA_LIFE, moves=moves
        )
        self.by_id[media.id] = media
        return media

    def of(self, media_id: str, person_id: str) -> Media | None:
        """The person's own picture of that id, unless it is used or too old."""
        media = self.by_id.get(media_id)
        if media is None or media.person_id != person_id or media.is_used:
            return None
        return media if self.clock.now() < media.expires_at else None

    def is_ready(self, media: Media) -> bool:
        """Whether it can be in a Tweet."""
        return media.is_complete and not media.is_bad and self.clock.now() >= media.ready_at

    def take(self, media_ids: list[str], person_id: str) -> list[Media]:
        """The pictures of a Tweet. Raises XError when one of them cannot be in it."""
        found = [self.of(media_id, person_id) for media_id in media_ids]
        known = [media for media in found if media is not None and self.is_ready(media)]
        if len(known) < len(media_ids) or len(set(media_ids)) < len(media_ids):
            raise errors.invalid(INVALID_MEDIA, "media.media_ids", media_ids)
        if len(known) > 1 and any(media.moves for media in known):
            raise errors.invalid("A GIF goes alone.", "media.media_ids", media_ids)
        return known


def as_fact(tweet: Tweet, handle: str) -> dict[str, Any]:
    """``tweet`` as the control API tells of it."""
    return {
        "id": tweet.id,
        "handle": handle,
        "text": tweet.text,
        "created_at": iso(tweet.created_at),
        "in_reply_to": tweet.in_reply_to,
        "deleted": tweet.deleted,
        "edited": bool(tweet.versions),
        "pictures": tweet.pictures,
        **{name: tweet.extras.get(name) for name in EXTRAS},
    }


def mentions(tweet: Tweet, handle: str) -> bool:
    """Whether ``tweet`` names ``handle``."""
    return re.search(rf"@{re.escape(handle)}(?!\w)", tweet.text, re.IGNORECASE) is not None


def _number(tweet: Tweet) -> int:
    return int(tweet.id)


def past_tweet(person_id: str, post: PastPost | Like) -> Tweet:
    """A Tweet of the past: the same, t.co links and all, whenever it is asked for.

    One without text shows a picture.
    """
    chance = random.Random(f"{person_id} {post.created_at}")
    number = str(_id_of(post.created_at))
    shown, urls = wrap_links(post.text, chance)
    pictures = [] if post.text else [{"id": number, "alt": "A picture of the past"}]
    if pictures:
        shown, urls = with_picture_link(shown, urls, number, chance)
    return Tweet(
        id=number,
        person_id=person_id,
        text=post.text,
        shown=shown,
        urls=urls,
        created_at=post.created_at,
        clock_at=post.created_at,
        client=PHONE,
        pictures=pictures,
        likes=post.likes,
        reposts=post.reposts,
        replies=post.replies,
        is_past=True,
    )


def _id_of(moment: float) -> int:
    return (int(moment * 1000) - EPOCH_MS) << 22
