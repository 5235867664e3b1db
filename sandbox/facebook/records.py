"""What the Facebook of the sandbox remembers."""

from dataclasses import dataclass, field


@dataclass
class Person:
    """Somebody who manages Pages. ``id`` is a decimal string."""

    id: str
    handle: str
    name: str


@dataclass
class Page:
    """A Page; its username is its ``handle``."""

    id: str
    handle: str
    name: str
    person_id: str


@dataclass
class Code:
    """An authorization code, good once and until ``expires_at`` on the sandbox's clock."""

    code: str
    person_id: str
    redirect_uri: str
    scopes: list[str]
    declined: list[str]
    pages: list[str]
    expires_at: float
    spent: bool = False


@dataclass
class Token:
    """A token of a person (``short`` or ``long``) or of a ``page``.

    ``expires_at`` is on the sandbox's clock, 0 is never; ``ended`` the subcode with which it is
    refused since it died; ``pages`` are the ids of those that the person showed the app.
    """

    value: str
    kind: str
    person_id: str
    scopes: list[str]
    issued_at: float
    expires_at: float
    page_id: str | None = None
    declined: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    parent: str | None = None
    ended: int | None = None


@dataclass
class Photo:
    """An uploaded picture; not published until a post carries it."""

    id: str
    page_id: str
    mime: str
    alt: str
    size: int
    clock_at: float
    post_id: str | None = None


@dataclass
class Post:
    """A post. ``created_at`` is real, ``clock_at`` on the sandbox's clock.

    ``is_past`` says that it came with a history and was never accepted by a call.
    """

    id: str
    page_id: str
    message: str
    link: str | None
    photos: list[str]
    created_at: float
    clock_at: float
    likes: int = 0
    reposts: int = 0
    replies: int = 0
    edited_at: float | None = None
    deleted: bool = False
    is_past: bool = False
