"""The board as a Network: what is its own of the contract, on the files beside this one."""

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
    Network,
    Outcome,
    Part,
    Picture,
    Profile,
    SeenPost,
)
from app.networks.noticeboard import auth, history, media, posts, timeline
from app.networks.noticeboard import text as board_text
from app.networks.noticeboard.client import Board


class Noticeboard(Network):
    """The board at ``NOTICEBOARD_URL``: no consent page, no refresh, no threads, no pictures."""

    name = "noticeboard"
    title = "Noticeboard"
    usual_limits = posts.LIMITS
    threads = False
    reads = history.READS
    connect_fields = (Field("token", "Token", secret=True),)

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._board = Board(str(config["NOTICEBOARD_URL"]), float(config["SEND_TIMEOUT"]))
        self.is_local = oauth.is_played(self.name, config, self._board.url)

    def profile_url(self, handle: str) -> str:
        """Return the page of somebody's notices."""
        return f"{self._board.url}/people/{handle}"

    # Connecting

    def begin(
        self, typed: Mapping[str, str], redirect_uri: str, signing_in: bool = True
    ) -> list[Connection]:
        """Connect with the token that was typed. Raises ConnectRefused, LookUpFailed."""
        return [auth.connect(self._board, typed)]

    def revoke(self, credentials: Credentials, start_by: float | None = None) -> None:
        """Do nothing: the board has no call for it."""

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask whose token it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        return auth.who_am_i(self._board, credentials)

    # Writing

    def check(self, text: str, limits: Limits) -> None:
        """Raise TextProblem for a text that does not fit."""
        board_text.check(text, limits)

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

    def comparable(self, body: Body) -> str:
        """Return what a SeenPost of this body would carry as ``comparable``."""
        return board_text.comparable(body["text"])
