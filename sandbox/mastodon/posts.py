"""The posts and pictures that the Mastodon of the sandbox accepted."""

import bisect
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from sandbox.control import PastPost
from sandbox.core import Clock, Store, iso
from sandbox.mastodon.errors import MastodonError
from sandbox.mastodon.records import Media, Status
from sandbox.mastodon.settings import MastodonSettings
from sandbox.mastodon.text import full_mentions

STATUS, MEDIA = "mastodon_status", "mastodon_media"
KEY_LIFE = 3_600  # seconds for which a key brings the first post back
MEDIA_LIFE = 86_400  # seconds that a picture without a post is kept


@dataclass(frozen=True)
class Draft:
    """What a create call asks for."""

    text: str
    media: list[str] = field(default_factory=list)
    in_reply_to: str | None = None
    visibility: str = "public"
    spoiler: str = ""
    language: str = "en"
    sensitive: bool = False
    poll: dict[str, Any] | None = None


class PostBook:
    """Every post in order of acceptance. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: MastodonSettings, store: Store) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._last_id = 0
        self._forget()
        for record in store.records(STATUS):
            self._index(Status(**record))
        for record in store.records(MEDIA):
            self._media[record["id"]] = Media(**record)

    def next_id(self) -> str:
        """A new id, as a decimal string; later ones are larger."""
        self._last_id = max(_id_of(time.time()), self._last_id + 1)
        return str(self._last_id)

    def replayed(self, person_id: str, key: str) -> Status | None:
        """The post that the same key made within the hour. Raises MastodonError (404)."""
        known = self._keys.get((person_id, key)) if self._settings.idempotency else None
        if known is None or self._clock.now() - known[1] >= KEY_LIFE:
            return None
        status = self._by_id[known[0]]
        if status.deleted:
            raise MastodonError(404, "not_found")
        return status

    def publish(self, person_id: str, client_id: str, draft: Draft, key: str) -> Status:
        """Publish; the caller has checked the draft, and its pictures with ``check_media``."""
        status = Status(
            id=self.next_id(),
            person_id=person_id,
            text=draft.text,
            created_at=time.time(),
            clock_at=self._clock.now(),
            client_id=client_id,
            in_reply_to=draft.in_reply_to,
            visibility=draft.visibility,
            spoiler=draft.spoiler,
            language=draft.language,
            media=draft.media,
            sensitive=draft.sensitive,
            poll=draft.poll,
        )
        for media_id in draft.media:
            self._media[media_id].status_id = status.id
            self._store.put(MEDIA, media_id, asdict(self._media[media_id]))
        self._index(status)
        self._save(status)
        if parent := self._by_id.get(draft.in_reply_to or ""):
            parent.replies += 1
            self._save(parent)
        if key:
            self._keys[person_id, key] = (status.id, self._clock.now())
        return status

    def add_past(self, person_id: str, post: PastPost) -> None:
        """Put a post of the past where it belongs in time; one without text shows a picture."""
        number = _id_of(post.created_at)
        while str(number) in self._by_id:
            number += 1
        status = Status(
            id=str(number),
            person_id=person_id,
            text=full_mentions(post.text),
            created_at=post.created_at,
            clock_at=post.created_at,
            client_id="",
            likes=post.likes,
            reposts=post.reposts,
            replies=post.replies,
            is_past=True,
        )
        if not post.text:
            media = self.add_media(person_id, b"", "image/png", "A picture of the past")
            media.status_id = status.id
            status.media.append(media.id)
            self._store.put(MEDIA, media.id, asdict(media))
        self._index(status)
        self._save(status)

    def edit(self, status: Status, text: str) -> None:
        """Change the text of a post, which keeps its id."""
        status.text, status.edited_at = text, time.time()
        self._save(status)

    def check_media(self, person_id: str, media_ids: list[str]) -> None:
        """Raise MastodonError unless these pictures can be attached by this person."""
        if len(media_ids) > self._settings.pictures:
            raise MastodonError(422, "too_many_files", limit=self._settings.pictures)
        gone = [one for one in media_ids if self.loose(one, person_id) is None]
        if gone or len(set(media_ids)) < len(media_ids):
            raise MastodonError(422, "media_gone", ids=", ".join(gone or media_ids))
        if len(media_ids) > 1 and any(self._media[one].moves for one in media_ids):
            raise MastodonError(422, "mixed")
        if not all(self.is_ready(self._media[one]) for one in media_ids):
            raise MastodonError(422, "processing")

    def add_media(self, person_id: str, data: bytes, mime: str, description: str) -> Media:
        """Keep a picture, without a post."""
        media = Media(self.next_id(), person_id, mime, description, len(data), self._clock.now())
        self._media[media.id] = media
        self._data[media.id] = data
        self._store.put(MEDIA, media.id, asdict(media))
        return media

    def loose(self, media_id: str, person_id: str) -> Media | None:
        """A person's picture that no post carries yet and that was not swept away."""
        media = self._media.get(media_id)
        if media is None or media.person_id != person_id or media.status_id is not None:
            return None
        return media if self._clock.now() - media.clock_at < MEDIA_LIFE else None

    def is_ready(self, media: Media) -> bool:
        """Whether a picture has been processed."""
        return self._clock.now() - media.clock_at >= self._settings.media_seconds

    def media(self, media_id: str) -> Media | None:
        """The picture of that id."""
        return self._media.get(media_id)

    def media_data(self, media_id: str) -> bytes | None:
        """Its bytes, if it came since the sandbox started."""
        return self._data.get(media_id)

    def find(self, status_id: str) -> Status | None:
        """The post of that id, deleted or not."""
        return self._by_id.get(status_id)

    def live(self, status_id: str) -> Status | None:
        """The post of that id, unless it was deleted."""
        status = self._by_id.get(status_id)
        return status if status is not None and not status.deleted else None

    def delete(self, status: Status) -> None:
        """Delete a post; it stays in what was accepted."""
        status.deleted = True
        self._save(status)

    def is_shown(self, status: Status) -> bool:
        """Whether reads may show a post: not what is deleted or hidden by the lag."""
        lag = self._settings.read_lag
        return not status.deleted and status.clock_at + lag <= self._clock.now()

    def shown(
        self, person_id: str, above: int = 0, below: int | None = None, rising: bool = False
    ) -> Iterator[Status]:
        """What the API shows of a person between two ids, newest first unless ``rising``."""
        mine = self._by_person.get(person_id, [])
        start = bisect.bisect_right(mine, above, key=_number)
        end = len(mine) if below is None else bisect.bisect_left(mine, below, key=_number)
        places = range(start, end) if rising else range(end - 1, start - 1, -1)
        return (mine[place] for place in places if self.is_shown(mine[place]))

    def newest(self, limit: int, person_id: str | None = None) -> list[Status]:
        """The latest posts, lag or not, newest first."""
        every = self._statuses if person_id is None else self._by_person.get(person_id, [])
        return list(islice((one for one in reversed(every) if not one.deleted), limit))

    def everything(self) -> list[Status]:
        """Every accepted post, in order of acceptance."""
        return list(self._accepted)

    def past(self) -> list[Status]:
        """Every post that came with a history, oldest first."""
        return [status for status in self._statuses if status.is_past]

    def posted_twice(self) -> list[tuple[str, str, int]]:
        """``(person_id, text, times)`` of every text that a person posted more than once."""
        counted = Counter((one.person_id, one.text) for one in self._accepted if one.text)
        return [(who, text, times) for (who, text), times in counted.items() if times > 1]

    def clear(self) -> None:
        """Forget every post and picture."""
        self._forget()
        self._store.empty(STATUS)
        self._store.empty(MEDIA)

    def _forget(self) -> None:
        self._statuses: list[Status] = []
        self._accepted: list[Status] = []
        self._by_id: dict[str, Status] = {}
        self._by_person: dict[str, list[Status]] = {}
        self._keys: dict[tuple[str, str], tuple[str, float]] = {}
        self._media: dict[str, Media] = {}
        self._data: dict[str, bytes] = {}  # pictures are shown until the sandbox stops

    def _index(self, status: Status) -> None:
        bisect.insort(self._statuses, status, key=_number)
        bisect.insort(self._by_person.setdefault(status.person_id, []), status, key=_number)
        self._by_id[status.id] = status
        self._last_id = max(self._last_id, int(status.id))
        if not status.is_past:
            self._accepted.append(status)

    def _save(self, status: Status) -> None:
        self._store.put(STATUS, status.id, asdict(status))


def as_fact(status: Status, handle: str, alts: list[str]) -> dict[str, object]:
    """``status`` as the control API tells of it."""
    return {
        "id": status.id,
        "handle": handle,
        "text": status.text,
        "created_at": iso(status.created_at),
        "in_reply_to": status.in_reply_to,
        "visibility": status.visibility,
        "spoiler_text": status.spoiler,
        "sensitive": status.sensitive or bool(status.spoiler),
        "language": status.language,
        "poll": status.poll,
        "deleted": status.deleted,
        "edited": status.edited_at is not None,
        "pictures": [{"id": i, "alt": a} for i, a in zip(status.media, alts, strict=True)],
    }


def _id_of(moment: float) -> int:
    """The id of a post of that moment: milliseconds, and room for others."""
    return int(moment * 1000) << 16


def _number(status: Status) -> int:
    return int(status.id)
