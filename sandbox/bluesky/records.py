"""What the Bluesky of the sandbox remembers. Moments are epoch seconds on the sandbox's clock."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Person:
    """Somebody with an account; ``did`` is its name for ever."""

    did: str
    handle: str
    name: str


@dataclass
class Post:
    """A record. ``created_at`` is the real moment of acceptance, not the record's.

    ``gates`` are the records of its gates, by collection.

    ``is_past`` says that it came with a history and was never accepted by a call.
    """

    uri: str
    did: str
    rkey: str
    cid: str
    record: dict[str, Any]
    created_at: float
    deleted: bool = False
    likes: int = 0
    reposts: int = 0
    replies: int = 0
    edited: bool = False
    gates: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_past: bool = False


@dataclass
class Blob:
    """An uploaded picture; dropped after a while unless a record came to use it."""

    cid: str
    did: str
    mime: str
    size: int
    came_at: float
    is_used: bool = False


@dataclass
class Access:
    """An access token."""

    token: str
    did: str
    expires_at: float
    ended: bool = False


@dataclass
class Refresh:
    """A refresh token. Once exchanged it gives the same ``successor`` until it expires."""

    token: str
    did: str
    expires_at: float
    successor: str = ""
    ended: bool = False


@dataclass
class Allowance:
    """What is left of one limit."""

    limit: int
    window: float
    ends_at: float
    used: int = 0
