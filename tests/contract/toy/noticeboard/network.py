"""The board as a Network: every call of the contract, on the files beside this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.networks import oauth
from app.networks.base import (
    ALL_LOOK_UPS,
    Body,
    Connection,
    Credentials,
    Field,
    Limits,
    Outcome,
    Part,
    Picture,
    Profile,
    SeenPost,
)
from app.networks.errors import ConnectRefused, TokenRefused
from app.networks.noticeboard import auth, media, posts, timeline
from app.networks.noticeboard import text as board_text
from app.networks.noticeboard.client import Board


class Noticeboard:
    """The board at ``NOTICEBOARD_URL``: no consent page, no refresh, no threads, no pictures."""

    name = "noticeboard"
    title = "Noticeboard"
    usual_limits = posts.LIMITS
    threads = False
    visibilities: tuple[str, ...] = ()
    connect_fields: tuple[Field, ...] = (Field("token", "Token", secret=True),)

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._board = Board(str(config["NOTICEBOARD_URL"]), float(config["SEND_TIMEOUT"]))
        self._is_played = self.name in (config.get("SANDBOX") or ())

    @property
    def ready(self) -> bool:
        """True: a person brings all it takes."""
        return True

    @property
    def is_local(self) -> bool:
        """True when the sandbox plays it."""
        return self._is_played and oauth.is_loopback(self._board.url)

    def profile_url(self, handle: str) -> str:
        """Return the page of somebody's notices."""
        return f"{self._board.url}/people/{handle}"

    # Connecting

    def begin(
        self, typed: Mapping[str, str], redirect_uri: str, signing_in: bool = True
    ) -> list[Connection]:
        """Connect with the token that was typed. Raises ConnectRefused, LookUpFailed."""
        return [auth.connect(self._board, typed)]

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> list[Connection]:
        """Raise ConnectRefused: there is no consent page to come back from."""
        raise ConnectRefused("stale")

    def revoke(self, credentials: Credentials, start_by: float | None = None) -> None:
        """Do nothing: the board has no call for it."""

    def can_refresh(self, credentials: Credentials) -> bool:
        """False: only its owner can get another token."""
        return False

    def is_expired(self, credentials: Credentials) -> bool:
        """False: tokens have no known end."""
        return False

    def refresh(self, credentials: Credentials, start_by: float | None = None) -> Credentials:
        """Raise TokenRefused: there is nothing to refresh with."""
        raise TokenRefused("the board has no refresh tokens")

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask whose token it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        return auth.who_am_i(self._board, credentials)

    def connected_by(self, credentials: Credentials) -> str:
        """Return nothing: here the account is the person."""
        return ""

    # Writing

    def limits(self, credentials: Credentials) -> Limits:
        """Return what fits into a notice; it is the same for everybody."""
        return posts.LIMITS

    def check(self, text: str, limits: Limits) -> None:
        """Raise TextProblem for a text that does not fit."""
        board_text.check(text, limits)

    def needs_preparation(self, text: str, has_pictures: bool = False) -> bool:
        """False: nobody has to be asked about a text."""
        return False

    def prepare(
        self, credentials: Credentials, text: str, has_pictures: bool = False
    ) -> Mapping[str, Any]:
        """Return nothing."""
        return {}

    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Raise UploadRefused: the board takes no pictures."""
        return media.upload(picture)

    def body(self, part: Part, prepared: Mapping[str, Any]) -> Body:
        """Return all that the create call sends."""
        return posts.body_of(part)

    # Publishing and looking up

    async def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Put up a notice; never raises."""
        return await posts.create(self._board, credentials, body, start_by)

    def recent(
        self, credentials: Credentials, remote_id: str, since: datetime, bodies: Sequence[Body]
    ) -> list[SeenPost]:
        """Return somebody's notices. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        return timeline.recent(self._board, credentials, since)

    def look_ups_before_resend(self, credentials: Credentials, first_sent_at: datetime) -> int:
        """Return all: the board does not recognise a resend, so it is sent once more at most."""
        return ALL_LOOK_UPS

    def lacks_parent(self, credentials: Credentials, body: Body) -> bool:
        """False: there are no threads."""
        return False

    def comparable(self, body: Body) -> str:
        """Return what a SeenPost of this body would carry as ``comparable``."""
        return board_text.comparable(body["text"])
