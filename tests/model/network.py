"""A network that answers as the model wants it to, and knows what it really took."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.networks import http
from app.networks.base import (
    Body,
    Connection,
    Consent,
    Credentials,
    Field,
    Limits,
    Outcome,
    OutcomeKind,
    Part,
    Picture,
    Profile,
    SeenPost,
)
from app.networks.errors import LookUpFailed, LookUpRefused, RefreshUnclear, TokenRefused
from tests.model.time import Time

SKEW = timedelta(seconds=60)
"""The network's clock may differ so much from the database's."""


class Answer(StrEnum):
    """What becomes of a create call."""

    TAKEN = "taken"
    TAKEN_SILENTLY = "taken, the answer is lost"
    TAKEN_LATER = "taken after the caller gave up"
    SHOWN_LATER = "taken, the answer is lost, shown after a while"
    LOST = "lost"
    REFUSED = "refused"
    LIMITED = "limited"
    LIMITED_UNTIL = "limited, and says until when"
    UNREACHABLE = "unreachable"
    APP_REFUSED = "the app is refused"


class Look(StrEnum):
    """What becomes of a look-up."""

    SHOWN = "shown"
    FAILS = "fails"
    REFUSED = "refused"


class Renewal(StrEnum):
    """What becomes of a refresh."""

    GIVEN = "given"
    UNCLEAR = "unclear"
    REFUSED = "refused"


@dataclass(frozen=True)
class Post:
    """A tweet that the network has taken; ``serial`` says by which call's body."""

    remote_id: str
    owner: str
    text: str
    serial: int
    at: datetime
    shown_at: datetime


class ModelNetwork:
    """Plays X for the services. ``answer``, ``look`` and ``renewal`` decide about the next call."""

    name = "x"
    title = "X"
    usual_limits = Limits(characters=280, unit="weighted")
    threads = True
    visibilities: tuple[str, ...] = ()
    connect_fields: tuple[Field, ...] = ()
    ready = True
    is_local = True
    ask_access_end = None

    def __init__(self, time: Time, passing: Callable[[], None]) -> None:
        self._time = time
        self._passing = passing
        self.forget()

    def forget(self, skew: float = 0, duplicates: bool = True) -> None:
        """Begin anew, on a clock that is ahead by ``skew`` times SKEW."""
        self.answer, self.look, self.renewal = Answer.TAKEN, Look.SHOWN, Renewal.GIVEN
        self.posts: list[Post] = []
        self.slept = 0.0
        self._on_their_way: list[Post] = []
        self._numbers = itertools.count(1)
        self._tokens: dict[str, str] = {}
        self._skew = skew * SKEW
        self._duplicates = duplicates

    def arrive(self) -> None:
        """Take what was on its way and has arrived by now."""
        arrived = [post for post in self._on_their_way if post.at <= self._time.now()]
        self._on_their_way = [post for post in self._on_their_way if post not in arrived]
        self.posts += arrived

    # Access

    def token_for(self, owner: str) -> Credentials:
        """Return new credentials; older ones are over."""
        self._tokens[owner] = f"{owner} {next(self._numbers)}"
        return {"owner": owner, "access_token": self._tokens[owner], "refresh_token": "again"}

    def end_access(self, owner: str) -> None:
        """End the access of everybody who has it."""
        self._tokens[owner] = ""

    def begin(self, typed: Mapping[str, str], redirect_uri: str) -> Consent | list[Connection]:
        """Nobody signs in through pages here."""
        raise AssertionError

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> list[Connection]:
        """Nobody signs in through pages here."""
        raise AssertionError

    def revoke(self, credentials: Credentials) -> None:
        """End this access."""
        self.end_access(credentials["owner"])

    def can_refresh(self, credentials: Credentials) -> bool:
        """True for all but those whose refresh token is gone."""
        return bool(credentials.get("refresh_token"))

    def is_expired(self, credentials: Credentials) -> bool:
        """They last."""
        return False

    def access_ends_at(self, credentials: Credentials) -> float | None:
        """Nobody knows."""
        return None

    def refresh(self, credentials: Credentials, _go: float | None = None) -> Credentials:
        """Give new ones, do not answer, or refuse."""
        self._passing()
        if self.renewal == Renewal.UNCLEAR:
            raise RefreshUnclear
        if self.renewal == Renewal.REFUSED:
            raise TokenRefused
        return self.token_for(credentials["owner"])

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Answer, if the token is good."""
        self._know(credentials)
        return Profile(credentials["owner"], credentials["owner"])

    # Publishing

    def limits(self, credentials: Credentials) -> Limits:
        """Return what always fits."""
        return self.usual_limits

    def check(self, text: str, limits: Limits) -> None:
        """Every text fits."""

    def needs_preparation(self, text: str, has_pictures: bool = False, options: Any = None) -> bool:
        """Texts go as they are."""
        return False

    def prepare(
        self, credentials: Credentials, text: str, has_pictures: bool = False
    ) -> Mapping[str, Any]:
        """Nothing is prepared here."""
        raise AssertionError

    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Nobody sends pictures here."""
        raise AssertionError

    def body(self, part: Part, prepared: Mapping[str, Any]) -> Body:
        """Return the text, and a number by which the model knows this body again."""
        return {"text": part.text, "serial": next(self._numbers)}

    async def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Answer as the model decided, unless it is too late to begin."""
        if http.boottime() + self.slept > start_by:
            return Outcome(OutcomeKind.NOT_SENT, None, "too late to start", retry_after=0.2)
        self.arrive()
        if self._tokens[credentials["owner"]] != credentials["access_token"]:
            return Outcome(OutcomeKind.AUTH, "access", http_status=401)
        if self._duplicates and self._has(credentials["owner"], body["text"]):
            return Outcome(OutcomeKind.REJECTED, "duplicate", http_status=403)
        return self._as_decided(credentials["owner"], body)

    def _as_decided(self, owner: str, body: Body) -> Outcome:
        if self.answer == Answer.TAKEN:
            post = self._take(owner, body)
            return Outcome(
                OutcomeKind.OK, remote_id=post.remote_id, remote_url=f"/{post.remote_id}"
            )
        if self.answer == Answer.TAKEN_SILENTLY:
            self._take(owner, body)
        elif self.answer == Answer.TAKEN_LATER:
            self._take(owner, body, after=20)
        elif self.answer == Answer.SHOWN_LATER:
            self._take(owner, body, hidden=120)
        clear = {
            Answer.REFUSED: Outcome(OutcomeKind.REJECTED, "rejected", http_status=400),
            Answer.LIMITED: Outcome(OutcomeKind.LATER, "rate_limited", http_status=429),
            Answer.LIMITED_UNTIL: Outcome(OutcomeKind.LATER, "rate_limited", retry_after=30),
            Answer.UNREACHABLE: Outcome(OutcomeKind.NOT_SENT, "unreachable"),
            Answer.APP_REFUSED: Outcome(OutcomeKind.HOLD, "app_forbidden", http_status=403),
        }
        return clear.get(self.answer, Outcome(OutcomeKind.AMBIGUOUS, "no_answer"))

    def _has(self, owner: str, text: str) -> bool:
        return any((post.owner, post.text) == (owner, text) for post in self.posts)

    def _take(self, owner: str, body: Body, after: float = 0, hidden: float = 0) -> Post:
        at = self._time.now() + timedelta(seconds=after)
        shown_at = at + timedelta(seconds=hidden)
        number = str(next(self._numbers))
        post = Post(number, owner, body["text"], body["serial"], at, shown_at)
        (self._on_their_way if after else self.posts).append(post)
        return post

    # Looking up

    def recent(
        self, credentials: Credentials, remote_id: str, since: datetime, bodies: Sequence[Body]
    ) -> list[SeenPost]:
        """Show what is shown by now."""
        self._passing()
        if self.look == Look.FAILS:
            raise LookUpFailed
        if self.look == Look.REFUSED:
            raise LookUpRefused
        self._know(credentials)
        self.arrive()
        return [
            SeenPost(post.remote_id, f"/{post.remote_id}", post.at + self._skew, post.text)
            for post in self.posts
            if post.owner == remote_id
            and post.shown_at <= self._time.now()
            and post.at + self._skew >= since
        ]

    def _know(self, credentials: Credentials) -> None:
        if self._tokens[credentials["owner"]] != credentials["access_token"]:
            raise TokenRefused

    def look_ups_before_resend(self, credentials: Credentials, first_sent_at: datetime) -> int:
        """All that there are."""
        return 1_000

    def lacks_parent(self, credentials: Credentials, body: Body) -> bool:
        """Nothing is deleted here."""
        return False

    def comparable(self, body: Body) -> str:
        """Return the text."""
        return str(body["text"])

    def profile_url(self, handle: str) -> str:
        """Return the page of an account."""
        return f"/{handle}"
