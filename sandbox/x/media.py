"""Pictures on their way into a Tweet (docs: X media)."""

import secrets
from dataclasses import dataclass, field

from sandbox.core.clock import Clock
from sandbox.x import errors

LIFE = 86_400.0
INVALID = "Your media IDs are invalid."


@dataclass
class Media:
    """A picture. ``expires_at`` is on the sandbox's clock, and ends with the first Tweet."""

    id: str
    person_id: str
    expires_at: float
    alt: str = ""
    is_used: bool = False
    moves: bool = False
    total: int = 0
    """Bytes that were announced for one that comes in pieces."""
    segments: dict[int, bytes] = field(default_factory=dict)
    is_complete: bool = True
    """Whether all has come; only then it is worked on."""
    is_bad: bool = False
    """Whether the work on it ends in failure."""
    ready_at: float = 0.0
    """On the sandbox's clock."""


@dataclass
class MediaBook:
    """Every picture, kept until the sandbox stops. The caller holds the state's lock."""

    clock: Clock
    by_id: dict[str, Media] = field(default_factory=dict)

    def add(self, person_id: str, moves: bool = False) -> Media:
        """Store one."""
        media = Media(str(secrets.randbits(62)), person_id, self.clock.now() + LIFE, moves=moves)
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
            raise errors.invalid(INVALID, "media.media_ids", media_ids)
        if len(known) > 1 and any(media.moves for media in known):
            raise errors.invalid("A GIF goes alone.", "media.media_ids", media_ids)
        return known
