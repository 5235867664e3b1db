"""What the Mastodon of the sandbox remembers."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Person:
    """Somebody with an account. ``id`` is a decimal string, ``created_at`` epoch seconds."""

    id: str
    handle: str
    name: str
    created_at: float


@dataclass
class App:
    """A registered app; ``redirect_uris`` are the addresses it may send people back to."""

    client_id: str
    client_secret: str
    name: str
    website: str
    redirect_uris: list[str]
    scopes: list[str]


@dataclass
class Code:
    """An authorization code, good once and until ``expires_at`` on the sandbox's clock."""

    code: str
    client_id: str
    person_id: str
    redirect_uri: str
    scopes: list[str]
    challenge: str
    expires_at: float
    spent: bool = False


@dataclass
class Token:
    """An access token, which has no end of its own; ``ended`` says that it was revoked."""

    value: str
    client_id: str
    person_id: str
    scopes: list[str]
    created_at: float
    ended: bool = False


@dataclass
class Media:
    """An uploaded picture; ``clock_at`` is when it came, on the sandbox's clock."""

    id: str
    person_id: str
    mime: str
    description: str
    size: int
    clock_at: float
    status_id: str | None = None

    @property
    def moves(self) -> bool:
        """Whether it becomes a film: every GIF does."""
        return self.mime == "image/gif"


@dataclass
class Status:
    """A post. ``created_at`` is real, ``clock_at`` on the sandbox's clock.

    ``is_past`` says that it came with a history and was never accepted by a call.
    """

    id: str
    person_id: str
    text: str
    created_at: float
    clock_at: float
    client_id: str
    in_reply_to: str | None = None
    visibility: str = "public"
    spoiler: str = ""
    language: str = "en"
    media: list[str] = field(default_factory=list)
    sensitive: bool = False
    poll: dict[str, Any] | None = None
    deleted: bool = False
    likes: int = 0
    reposts: int = 0
    replies: int = 0
    edited_at: float | None = None
    is_past: bool = False
