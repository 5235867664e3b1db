"""The posts and pictures that the Facebook of the sandbox accepted."""

import bisect
import itertools
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from sandbox.control import PastPost
from sandbox.core import Clock, Store, iso
from sandbox.facebook import errors
from sandbox.facebook.records import Page, Photo, Post
from sandbox.facebook.settings import FacebookSettings

POST, PHOTO = "facebook_post", "facebook_photo"
PHOTO_LIFE = 86_400  # seconds that an unpublished picture is kept
LINK = re.compile(r"https?://\S+")
RANKED = 600
ALREADY_POSTED = 1366051


class PostBook:
    """Every post in order of acceptance. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: FacebookSettings, store: Store) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._forget()
        for post in sorted((Post(**r) for r in store.records(POST)), key=lambda p: p.created_at):
            self._index(post)
        for record in store.records(PHOTO):
            self._photos[record["id"]] = Photo(**record)
        self._ids = itertools.count(time.time_ns() // 1000)

    def next_id(self) -> str:
        """A new id, as a decimal string."""
        return str(next(self._ids))

    def publish(self, page: Page, message: str, link: str | None, photos: list[str]) -> Post:
        """Publish. Raises GraphError (506; 100 for a picture that cannot be used)."""
        self._refuse_duplicate(page, message, link, photos)
        for photo_id in photos:
            self._check_photo(page, photo_id)
        post = Post(
            id=f"{page.id}_{self.next_id()}",
            page_id=page.id,
            message=message,
            link=link,
            photos=photos,
            created_at=time.time(),
            clock_at=self._clock.now(),
        )
        for photo_id in photos:
            self._photos[photo_id].post_id = post.id
            self._store.put(PHOTO, photo_id, asdict(self._photos[photo_id]))
        self._index(post)
        self._save(post)
        return post

    def add_past(self, page: Page, past: PastPost) -> None:
        """Put a post of the past where it belongs in time; one without text shows a picture."""
        number = int(past.created_at * 1_000_000)
        while f"{page.id}_{number}" in self._by_id:
            number += 1
        link = LINK.search(past.text)
        post = Post(
            id=f"{page.id}_{number}",
            page_id=page.id,
            message=past.text,
            link=link[0] if link else None,
            photos=[],
            created_at=past.created_at,
            clock_at=past.created_at,
            likes=past.likes,
            reposts=past.reposts,
            replies=past.replies,
            is_past=True,
        )
        if not past.text:
            photo = self.add_photo(page, b"", "image/png", "A picture of the past")
            photo.post_id = post.id
            post.photos.append(photo.id)
            self._store.put(PHOTO, photo.id, asdict(photo))
        self._index(post)
        self._save(post)

    def edit(self, post: Post, message: str) -> None:
        """Change the text of a post, which keeps its id."""
        post.message, post.edited_at = message, time.time()
        self._save(post)

    def delete(self, post: Post) -> None:
        """Delete a post; it stays in what was accepted."""
        post.deleted = True
        self._save(post)

    def add_photo(self, page: Page, data: bytes, mime: str, alt: str) -> Photo:
        """Keep a picture, unpublished."""
        photo = Photo(self.next_id(), page.id, mime, alt, len(data), self._clock.now())
        self._photos[photo.id] = photo
        self._data[photo.id] = data
        self._store.put(PHOTO, photo.id, asdict(photo))
        return photo

    def photo(self, photo_id: str) -> Photo | None:
        """The picture of that id."""
        return self._photos.get(photo_id)

    def photo_data(self, photo_id: str) -> bytes | None:
        """Its bytes, if it came since the sandbox started."""
        return self._data.get(photo_id)

    def find(self, post_id: str) -> Post | None:
        """The post of that id, unless it was deleted."""
        post = self._by_id.get(post_id)
        return None if post is None or post.deleted else post

    def visible(self, post_id: str) -> Post | None:
        """The post of that id, once the read lag has passed."""
        post = self.find(post_id)
        return None if post is None or self._is_hidden(post) else post

    def shown(self, page: Page) -> Iterator[Post]:
        """What the API shows of a Page, newest first: not what the read lag hides."""
        for post in reversed(self._by_page.get(page.id, [])):
            if not (self._is_hidden(post) or post.deleted):
                yield post

    def _is_hidden(self, post: Post) -> bool:
        lag = self._settings.read_lag
        return lag is None or post.clock_at + lag > self._clock.now()

    def ranked(self, page: Page) -> Iterator[Post]:
        """What the feed shows of a Page, newest first: some 600 posts of a year."""
        for _, posts in itertools.groupby(self.shown(page), _year):
            yield from itertools.islice(posts, RANKED)

    def newest(self, limit: int, page: Page | None = None) -> list[Post]:
        """The latest posts, lag or not, newest first."""
        every = self._posts if page is None else self._by_page.get(page.id, [])
        shown = (post for post in reversed(every) if not post.deleted)
        return list(itertools.islice(shown, limit))

    def everything(self) -> list[Post]:
        """Every accepted post, in order of acceptance."""
        return [post for post in self._posts if not post.is_past]

    def past(self) -> list[Post]:
        """Every post that came with a history, oldest first."""
        return [post for post in self._posts if post.is_past]

    def posted_twice(self) -> list[tuple[str, str, int]]:
        """``(page_id, message, times)`` of every text that a Page posted more than once."""
        counted = Counter(
            (post.page_id, post.message) for post in self.everything() if post.message
        )
        return [(page, text, times) for (page, text), times in counted.items() if times > 1]

    def clear(self) -> None:
        """Forget every post and picture."""
        self._forget()
        self._store.empty(POST)
        self._store.empty(PHOTO)

    def _refuse_duplicate(
        self, page: Page, message: str, link: str | None, photos: list[str]
    ) -> None:
        before = self._by_page.get(page.id)
        last = before[-1] if before else None
        if last is None or photos or last.photos or (last.message, last.link) != (message, link):
            return
        if self._clock.now() - last.clock_at < self._settings.duplicate_window:
            raise errors.duplicate()

    def _check_photo(self, page: Page, photo_id: str) -> None:
        photo = self._photos.get(photo_id)
        is_over = photo is not None and self._clock.now() - photo.clock_at > PHOTO_LIFE
        if photo is None or photo.page_id != page.id or (is_over and photo.post_id is None):
            raise errors.invalid(f"The photo {photo_id} cannot be attached.")
        if photo.post_id is not None:
            raise errors.invalid("These photos were already posted.", ALREADY_POSTED)

    def _forget(self) -> None:
        self._posts: list[Post] = []
        self._by_id: dict[str, Post] = {}
        self._by_page: dict[str, list[Post]] = {}
        self._photos: dict[str, Photo] = {}
        self._data: dict[str, bytes] = {}  # pictures are shown until the sandbox stops

    def _index(self, post: Post) -> None:
        bisect.insort(self._posts, post, key=_moment)
        bisect.insort(self._by_page.setdefault(post.page_id, []), post, key=_moment)
        self._by_id[post.id] = post

    def _save(self, post: Post) -> None:
        self._store.put(POST, post.id, asdict(post))


def _year(post: Post) -> int:
    return datetime.fromtimestamp(post.created_at, UTC).year


def _moment(post: Post) -> float:
    return post.created_at


def as_fact(post: Post, handle: str, alts: list[str]) -> dict[str, object]:
    """``post`` as the control API tells of it."""
    return {
        "id": post.id,
        "handle": handle,
        "text": post.message,
        "created_at": iso(post.created_at),
        "in_reply_to": None,
        "deleted": post.deleted,
        "edited": post.edited_at is not None,
        "link": post.link,
        "pictures": [{"id": i, "alt": a} for i, a in zip(post.photos, alts, strict=True)],
    }
