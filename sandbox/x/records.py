"""What the X of the sandbox remembers."""

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
class Tweet:
    """An accepted Tweet.

    ``text`` is what was sent, ``shown`` what the API returns (t.co links, HTML entities),
    ``created_at`` real epoch seconds, ``clock_at`` the same moment on the sandbox's clock.
    ``extras`` are its reply settings, mark of AI and poll. ``versions`` are the ids of all
    versions of an edited one, the latest last. ``is_past`` says that it came with a history or an
    edit, and was never accepted by a call.
    """

    id: str
    person_id: str
    text: str
    shown: str
    urls: list[dict[str, Any]]
    created_at: float
    clock_at: float
    in_reply_to: str | None = None
    client: str = ""
    deleted: bool = False
    pictures: list[dict[str, str]] = field(default_factory=list)
    likes: int = 0
    reposts: int = 0
    replies: int = 0
    versions: list[str] = field(default_factory=list)
    extras: dict[str, Any] = field(default_factory=dict)
    is_past: bool = False

    @property
    def is_replaced(self) -> bool:
        """Whether a later version stands in its place."""
        return bool(self.versions) and self.versions[-1] != self.id


@dataclass
class Code:
    """An authorization code, good once and until ``expires_at`` on the sandbox's clock."""

    code: str
    client_id: str
    person_id: str
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str | None
    expires_at: float

    def get_redirect_uri(self) -> str:
        """The address the code was sent to."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The granted scopes, separated by spaces."""
        return self.scope


@dataclass
class Pair:
    """An OAuth 2.0 access token with its single-use refresh token.

    Pairs that came from one consent by refreshing share a ``family``.
    """

    access_token: str
    refresh_token: str | None
    client_id: str
    person_id: str
    scope: str
    expires_at: float
    family: str
    access_ended: bool = False
    refresh_spent: bool = False

    def check_client(self, client: Any) -> bool:
        """Whether this pair was issued to ``client``."""
        return bool(self.client_id == client.client_id)

    def get_scope(self) -> str:
        """The granted scopes, separated by spaces."""
        return self.scope


@dataclass
class RequestToken:
    """OAuth 1.0a's temporary credentials, before and after the person's consent."""

    token: str
    secret: str
    consumer_key: str
    callback: str
    access_level: str
    verifier: str | None = None
    person_id: str | None = None


@dataclass
class SignedToken:
    """An OAuth 1.0a access token. ``access_level`` is ``read`` or ``read-write``."""

    token: str
    secret: str
    consumer_key: str
    person_id: str
    access_level: str = "read-write"
    ended: bool = False


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
