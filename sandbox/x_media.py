"""Pictures on their way into a Tweet (docs: X media)."""

import secrets
from dataclasses import dataclass, field

from sandbox import x_errors
from sandbox.clock import Clock

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


@dataclass
class MediaBook:
    """Every picture, kept until the sandbox stops. The caller holds the state's lock."""

    clock: Clock
    by_id: dict[str, Media] = field(default_factory=dict)

    def add(self, person_id: str) -> Media:
        """Store one."""
        media = Media(str(secrets.randbits(62)), person_id, self.clock.now() + LIFE)
        self.by_id[media.id] = media
        return media

    def of(self, media_id: str, person_id: str) -> Media | None:
        """The person's own picture of that id, unless it is used or too old."""
        media = self.by_id.get(media_id)
        if media is None or media.person_id != person_id or media.is_used:
            return None
        return media if self.clock.now() < media.expires_at else None

    def take(self, media_ids: list[str], person_id: str) -> list[Media]:
        """The pictures of a Tweet. Raises XError when one of them cannot be in it."""
        found = [self.of(media_id, person_id) for media_id in media_ids]
        known = [media for media in found if media is not None]
        if len(known) < len(media_ids) or len(set(media_ids)) < len(media_ids):
            raise x_errors.invalid(INVALID, "media.media_ids", media_ids)
        return known
