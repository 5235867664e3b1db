"""What every network offers, and what one publish attempt can end as."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, runtime_checkable

from app import untrusted
from app.networks.errors import ConnectRefused, LookUpRefused, TokenRefused, wait_in_bounds
from app.networks.history import Asked, HistoryPage, Numbers, ReadKind
from app.networks.options import Given, Option, Shown

Credentials = dict[str, Any]
Body = dict[str, Any]
VISIBILITY = "visibility"
"""The field of a body that says who sees the post, on networks that have ``visibilities``."""

SIGN_IN_SECONDS = 20.0
"""For all calls of one step of a sign-in: somebody waits for the page."""
REFRESH_SECONDS = 10.0
"""For one of the two tries to refresh a token."""
EXPIRY_LEEWAY_SECONDS = 60.0
LOOK_UP_SECONDS = 20.0
"""For all calls of one look-up: shorter than SENDING_SECONDS of app/shutdown.py."""
MAX_PAGES = 8
"""Pages of a list of posts that one look-up reads."""
ALL_LOOK_UPS = 1_000
"""``look_ups_before_resend``: more than there are, so all of them together count as proof."""

SECRETS = (
    *("access_token", "refresh_token", "token", "token_secret"),
    *("access_jwt", "refresh_jwt", "client_secret"),
)
"""What credentials hold that a call carries in a header or a form."""


def _set(kept: Any, **values: Any) -> None:
    """Set fields of a frozen object that is being made."""
    for name, value in values.items():
        object.__setattr__(kept, name, value)


class OutcomeKind(StrEnum):
    """How a create call ended, sorted by what may be done next."""

    OK = "ok"  # the network returned the id: never send again
    NOT_SENT = "not_sent"  # no byte left this machine: send again
    LATER = "later"  # a definite "not now": the same content at the stated time
    REJECTED = "rejected"  # a definite no to this content
    AUTH = "auth"  # the token or a permission is dead
    HOLD = "hold"  # the whole app is blocked
    AMBIGUOUS = "ambiguous"  # it may have been accepted: look before anything else


class Scope(StrEnum):
    """Whom a "not now" concerns."""

    ACCOUNT = "account"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one create call.

    ``code`` is one of our own words, for which the pages have a sentence; ``detail`` is the
    network's, for the curious. ``retry_after`` is in seconds, None when the network did not say.
    """

    kind: OutcomeKind
    code: str | None = None
    detail: str | None = None
    remote_id: str | None = None
    remote_url: str | None = None
    retry_after: float | None = None
    scope: Scope = Scope.ACCOUNT
    http_status: int | None = None
    request_id: str | None = None
    answered_at: float | None = None
    """http.boottime() when the response was complete."""
    pause_for: float | None = None
    """Seconds to leave the account alone: its allowance is used up, or it is blocked."""
    reference: Mapping[str, Any] | None = None
    """What the next part of a thread needs to reply to this one; JSON."""

    def __post_init__(self) -> None:
        """Bound what the network said: whatever it is, the outcome itself can be kept."""
        _set(
            self,
            detail=None if self.detail is None else untrusted.detail(self.detail),
            remote_id=untrusted.identifier(self.remote_id),
            remote_url=untrusted.web_address(self.remote_url) or None,
            retry_after=wait_in_bounds(self.retry_after),
            request_id=untrusted.trace(self.request_id),
            pause_for=wait_in_bounds(self.pause_for),
        )

    @property
    def is_duplicate(self) -> bool:
        """True when the network says it already has this content.

        Or that its pictures are gone: on some networks, they are once a post carries them.
        """
        used = self.kind == OutcomeKind.REJECTED and self.code == "pictures_gone"
        return used or self.code == "duplicate"


class Destination(NamedTuple):
    """A server that can be slow while others are not; "" where the network has only one."""

    network: str
    host: str

    @property
    def key(self) -> str:
        """One word for it, as messages carry it: ``mastodon/example.social``, ``x/``."""
        return f"{self.network}/{self.host}"

    @classmethod
    def of_key(cls, key: str) -> Destination:
        """Return the destination that ``key`` names."""
        network, _, host = key.partition("/")
        return cls(network, host)


@dataclass(frozen=True, slots=True)
class Profile:
    """Who a token belongs to."""

    remote_id: str
    handle: str
    display_name: str = ""
    avatar_url: str = ""
    server: str = ""
    """The host, on networks that are many servers; part of the account's identity."""
    page_url: str = ""
    """Its page, where the network says which: servers show people at different addresses."""
    person_id: str = ""
    """Who signed in, where that is not ``remote_id``: several people may share a Page."""

    def __post_init__(self) -> None:
        """Bound what the network said. Raises ValueError when it names nobody."""
        remote_id, handle = untrusted.identifier(self.remote_id), untrusted.line(self.handle)
        if remote_id is None or not handle:
            raise ValueError("an account without an id or a name")
        _set(
            self,
            remote_id=remote_id,
            handle=handle,
            display_name=untrusted.line(self.display_name),
            avatar_url=untrusted.web_address(self.avatar_url),
            server=untrusted.line(self.server),
            person_id=untrusted.identifier(self.person_id) or "",
        )


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a person types to connect an account; the page shows it as it is."""

    name: str
    label: str
    hint: str = ""
    secret: bool = False
    value: str = ""
    """What is there before anything is typed."""
    optional: bool = False
    """May stay empty."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A page of the network that the person must visit first."""

    url: str
    memory: dict[str, Any]
    """Kept in the signed cookie until the callback: state, verifier, server. JSON, under 1 KB.

    ``host`` is what the network added to the callback address, if it did, and ``client`` the app,
    where that was registered for us and may be gone: see RegistersApps."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An account whose owner has given us access."""

    profile: Profile
    credentials: Credentials
    """Everything that later calls need; JSON, stored encrypted."""
    limits: Limits | None = None
    """What fits into a part, where that was asked on the way."""
    server_was_typed: bool = False
    """A person typed the server, so anybody may run it. The account signs nobody in until its
    owner allows that while signed in with another one."""
    proves_nobody: bool = False
    """The server gives tokens to anybody who asks: it publishes, and never signs in."""

    def __post_init__(self) -> None:
        """Raise ConnectRefused for tokens that no header or form can carry."""
        secrets = (self.credentials.get(name) for name in SECRETS)
        if any(secret and untrusted.secret(secret) is None for secret in secrets):
            raise ConnectRefused("refused", "what it gave is not usable")


@dataclass(frozen=True, slots=True)
class Part:
    """What one create call is to publish; the same at every try."""

    text: str
    key: str
    """32 hex digits that name this part of this delivery with exactly this content."""
    started_at: datetime
    """When this try began; a later try after a definite no has another moment."""
    written_at: datetime
    """When it was written. It never changes: not with a try or a restart, nor when it is due."""
    reply_to: Mapping[str, Any] | None = None
    """``Outcome.reference`` of the part before."""
    root: Mapping[str, Any] | None = None
    """``Outcome.reference`` of the first part."""
    pictures: tuple[Mapping[str, Any], ...] = ()
    """What ``upload`` returned for each, in order."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags of the languages in which it is written, where they are known."""
    options: Given = field(default_factory=dict)
    """What its owner has set for the account, as ``check_options`` let it pass."""
    is_first: bool = True
    """False for the later parts of a thread."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it goes to a network."""

    data: bytes
    mime: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What fits into one part."""

    characters: int
    unit: str = "graphemes"
    """``weighted`` (X), ``graphemes``, ``codepoints`` or ``utf16``."""
    bytes: int | None = None
    """Of the text in UTF-8, where the network counts these too."""
    link_length: int | None = None
    """What each link counts; None: as long as it is."""
    pictures: int = 4
    picture_bytes: int = 5_000_000
    picture_pixels: int | None = None
    picture_side: int | None = None
    """Pixels of the longer side."""
    moving_bytes: int | None = None
    """Of a picture that moves, where another size is allowed for these."""
    moving_width: int | None = None
    moving_height: int | None = None
    moving_frames: int | None = None
    alt_length: int = 1000
    picture_types: tuple[str, ...] = field(default=("image/jpeg", "image/png", "image/gif"))
    poll_options: int | None = None
    """Answers of a poll, and the characters of each; None where no server says."""
    poll_characters: int | None = None
    poll_shortest: int | None = None
    """Seconds for which a poll runs at least, and at most."""
    poll_longest: int | None = None
    visibility: str = ""
    """Who sees the account's posts unless they say otherwise, in its network's word; "" unknown."""


@dataclass(frozen=True, slots=True)
class SeenPost:
    """A post of the account's own, as a look-up shows it."""

    remote_id: str
    url: str
    created_at: datetime | None
    comparable: str
    in_reply_to: str | None = None
    reference: Mapping[str, Any] | None = None
    is_certain: bool = True
    """False for a post that only looks like what ``comparable`` names: its owner is asked."""

    def __post_init__(self) -> None:
        """Bound what the network said. Raises ValueError for a post that cannot be named."""
        remote_id = untrusted.identifier(self.remote_id)
        if remote_id is None:
            raise ValueError("a post without an id")
        _set(self, remote_id=remote_id, url=untrusted.web_address(self.url))


class Network(Protocol):
    """One site. Knows no Flask and no database.

    ``create`` is a coroutine; every other call may block for ``send_timeout``. What is not abstract
    holds for a network whose own class says nothing else.
    """

    name: str
    title: str
    usual_limits: Limits
    """What fits into a part where the account's own server says nothing else."""
    threads: bool
    """Whether a post can reply to the one before; otherwise the parts of a tweet are one post."""
    visibilities: tuple[str, ...] = ()
    """Who may see a post, in the network's words, where its owner can choose that; else nothing."""
    connect_fields: tuple[Field, ...] = ()
    """What a person types first; nothing when the consent page asks everything."""
    reads: tuple[ReadKind, ...] = ()
    """Which lists of an account can be read, to learn from them."""
    read_prices: Mapping[ReadKind, float] = {}
    """US dollars for each thing that is returned, where reading costs; else nothing."""
    smallest_reads: Mapping[ReadKind, int] = {}
    """Of how many things a page has at least, where reading costs."""
    one_access_for_all: bool = False
    """True where ending our access to one account of a person ends it to all of theirs."""
    numbers_at_once: int = 1
    """Of how many posts ``numbers`` tells in one call."""
    ready: bool = True
    """True when the settings suffice to sign in."""
    is_local: bool
    """True when the sandbox plays it: what is published there never leaves this machine."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Set it up from the app's configuration."""

    @abstractmethod
    def begin(
        self, typed: Mapping[str, str], redirect_uri: str, signing_in: bool = True
    ) -> Consent | list[Connection]:
        """Begin with what was typed into the fields. Raises ConnectRefused, LookUpFailed.

        :param redirect_uri: the network's callback address; a network of many servers adds the
            server's host to it, so that each has an address of its own.
        :param signing_in: False when an account is added to somebody who is signed in already.
        """

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> list[Connection]:
        """Take what the consent page sends back; ``memory["state"]`` must be its state.

        Raises ConnectRefused, LookUpFailed; always where there is no such page to come back from.
        """
        raise ConnectRefused("stale")

    @abstractmethod
    def revoke(self, credentials: Credentials, start_by: float | None = None) -> bool | None:
        """End this access as far as the network lets us; begin as ``refresh``. Never raises.

        :returns: False when the network did not answer: it may be asked once more.
        """
        return None

    def can_refresh(self, credentials: Credentials) -> bool:
        """True when a refused access token may be exchanged for a new one."""
        return False

    def is_expired(self, credentials: Credentials) -> bool:
        """True when the access token is known to be over, or will be within a minute.

        By ``expires_at`` of the credentials, in seconds since 1970; without it, it does not expire.
        """
        expires_at = credentials.get("expires_at")
        return bool(expires_at) and time.time() + EXPIRY_LEEWAY_SECONDS >= float(expires_at or 0)

    def access_ends_at(self, credentials: Credentials) -> float | None:
        """Return when this access ends for good, in seconds since 1970; None where that is unknown.

        What can be refreshed does not end by itself.
        """
        expires_at = credentials.get("expires_at")
        return float(expires_at) if expires_at and not self.can_refresh(credentials) else None

    ask_access_end: Callable[[Credentials], float | None] | None = None
    """``access_ends_at`` where only the network knows it; raises LookUpFailed."""

    def refresh(self, credentials: Credentials, start_by: float | None = None) -> Credentials:
        """Exchange the refresh token, but do not begin after ``start_by``, on http.boottime().

        :raises TokenRefused, RefreshUnclear, AppRefused:
        """
        raise TokenRefused(f"{self.title} has no refresh tokens")

    @abstractmethod
    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask whose token it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""

    def connected_by(self, credentials: Credentials) -> str:
        """Return the ``person_id`` of whoever gave us these, "" where nobody can tell.

        For accounts that were connected before ``person_id`` was asked; "" where the account is
        the person. Raises LookUpFailed.
        """
        return ""

    def limits(self, credentials: Credentials) -> Limits:
        """Return what fits into a part. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        return self.usual_limits

    @abstractmethod
    def check(self, text: str, limits: Limits) -> None:
        """Raise app.networks.text.TextProblem for a text that does not fit."""

    def needs_preparation(
        self, text: str, has_pictures: bool = False, options: Given | None = None
    ) -> bool:
        """True when ``prepare`` would have to ask somebody about this text."""
        return False

    def prepare(
        self,
        credentials: Credentials,
        text: str,
        has_pictures: bool = False,
        options: Given | None = None,
    ) -> Mapping[str, Any]:
        """Return what ``body`` must know beyond the text.

        Raises LookUpFailed, TokenRefused, QuoteRefused.

        :param has_pictures: whether pictures go with the text.
        :param options: of the first part; None for the later ones, which have nothing to ask.
        """
        return {}

    @abstractmethod
    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Return what ``body`` needs. Raises UploadRefused, LookUpFailed, TokenRefused."""

    @abstractmethod
    def body(self, part: Part, prepared: Mapping[str, Any]) -> Body:
        """Return all that the create call sends; JSON, stored before the call."""

    @abstractmethod
    async def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Publish, on the running event loop, which it never blocks; never raises.

        After ``start_by``, on http.boottime(), nothing is begun. Whoever cancels it cannot know
        whether it published.
        """

    @abstractmethod
    def recent(
        self, credentials: Credentials, remote_id: str, since: datetime, bodies: Sequence[Body]
    ) -> list[SeenPost]:
        """Return the account's own posts since then, oldest first, or at least these bodies'.

        Raises LookUpFailed, LookUpRefused, TokenRefused.
        """

    @abstractmethod
    def look_ups_before_resend(
        self, credentials: Credentials, first_sent_at: datetime
    ) -> int | None:
        """Return after how many look-ups without the post it may be sent again.

        None: never, so its owner is asked. ALL_LOOK_UPS: after all of them, and only once.
        Any other number: the network itself recognises a resend, so it may be repeated.

        :param first_sent_at: of our first call; some networks recognise a resend only for a time.
        """

    def lacks_parent(self, credentials: Credentials, body: Body) -> bool:
        """True when the post that this body replies to is gone. Raises LookUpFailed.

        False where the network itself says that when it refuses a post, or has no threads.
        """
        return False

    @abstractmethod
    def comparable(self, body: Body) -> str:
        """Return what a SeenPost of this body would carry as ``comparable``."""

    # Learning

    def lets_read(self, credentials: Credentials, kinds: Collection[ReadKind]) -> bool:
        """True when this access suffices to read these lists; else see AsksForMore."""
        return True

    def history(self, credentials: Credentials, remote_id: str, asked: Asked) -> HistoryPage:
        """Read a page of one of the account's lists, the latest first.

        :raises LookUpFailed: no usable response; ``retry_after`` where it says when to come back.
        :raises LookUpRefused: reading is not allowed, or not paid for.
        :raises TokenRefused: the access is over, or the list needs another one.
        """
        raise LookUpRefused("it has no such list")

    def numbers(self, credentials: Credentials, remote_ids: Sequence[str]) -> dict[str, Numbers]:
        """Return how posts of the account were answered, by id; without those that are gone.

        Raises what ``history`` raises.

        :param remote_ids: ``numbers_at_once`` of them at most.
        """
        raise LookUpRefused("it tells no numbers")

    @abstractmethod
    def profile_url(self, handle: str) -> str:
        """Return the page of an account whose network has not told it."""


@runtime_checkable
class AsksForMore(Protocol):
    """A network whose consent page is asked for wider access before its lists can be read."""

    def begin_reading(
        self, credentials: Credentials, kinds: Collection[ReadKind], redirect_uri: str
    ) -> Consent:
        """Return the consent page of the account's own server, asking for these lists, too.

        ``finish`` takes what it sends back, as of a sign-in; ``lets_read`` of what that returns
        tells whether it was granted. Raises ConnectRefused, LookUpFailed.
        """


@runtime_checkable
class RegistersApps(Protocol):
    """A network whose servers register apps, and may forget one without a word to us."""

    def begin_anew(
        self, memory: Mapping[str, Any], redirect_uri: str, signing_in: bool = True
    ) -> Consent:
        """Begin again at the server of this memory, with another app than its ``client``.

        Raises ConnectRefused, LookUpFailed.
        """


@runtime_checkable
class HasOptions(Protocol):
    """A network whose posts can have more than their text, pictures and place in a thread."""

    def options(self, limits: Limits) -> Sequence[Option]:
        """Return what posts of an account with these limits can have."""

    def check_options(self, given: Given, shown: Shown, limits: Limits) -> None:
        """Raise OptionProblem for options that a tweet with this content cannot have."""
