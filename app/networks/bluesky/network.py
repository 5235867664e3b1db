"""Bluesky: the AT Protocol with an app password, at the server that keeps the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.networks import oauth
from app.networks.base import (
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
from app.networks.bluesky import auth, history, media, posts, timeline
from app.networks.bluesky import text as bluesky_text
from app.networks.bluesky.card import Cards
from app.networks.bluesky.client import Server
from app.networks.bluesky.identity import Directory
from app.networks.history import Asked, HistoryPage, Numbers, ReadKind

SITE = "https://bsky.app"


class Bluesky(Network):
    """Bluesky, or any server that speaks its protocol at ``BLUESKY_URL``.

    An app password is all it takes to sign in. What fits into a post is the same everywhere, and a
    server says in its refusal that the parent of a post is gone.
    """

    name = "bluesky"
    title = "Bluesky"
    usual_limits = posts.LIMITS
    threads = True
    reads = tuple(ReadKind)
    numbers_at_once = history.NUMBERS_AT_ONCE
    connect_fields = (
        Field("identifier", "Handle", "For example alice.bsky.social"),
        Field(
            "password",
            "App password",
            "Make one at Bluesky under Settings, Privacy and security, App passwords.",
            secret=True,
        ),
        Field(
            "server",
            "Server",
            "Only if yours is not Bluesky's: its address, like pds.example.com.",
            optional=True,
        ),
    )

    def __init__(self, config: Mapping[str, Any]) -> None:
        url: str = config["BLUESKY_URL"]
        self._allow_private: bool = config["ALLOW_PRIVATE_SERVERS"]
        self._timeout: float = config["SEND_TIMEOUT"]
        entryway = Server(url, self._timeout)
        self._directory = Directory(entryway, config["PLC_URL"], self._allow_private)
        self._sign_in = auth.SignIn(self._directory)
        self._cards = Cards()
        self.is_local = oauth.is_played(self.name, config, url)
        self._site = url if self.is_local else SITE

    def profile_url(self, handle: str) -> str:
        """Return the account's own page."""
        return f"{self._site}/profile/{handle}"

    # Signing in

    def begin(
        self, typed: Mapping[str, str], _redirect_uri: str, signing_in: bool = True
    ) -> list[Connection]:
        """Open a session with the app password, at the account's own server.

        Raises ConnectRefused, LookUpFailed.
        """
        return [self._sign_in.begin(typed)]

    def revoke(self, credentials: Credentials, start_by: float | None = None) -> bool:
        """Close the session; never raises. False when there is no response."""
        return auth.revoke(self._server_of(credentials), credentials, start_by)

    def can_refresh(self, credentials: Credentials) -> bool:
        """True as long as there is a session; its refresh token lives for months."""
        return bool(credentials.get("refresh_jwt"))

    def refresh(self, credentials: Credentials, start_by: float | None = None) -> Credentials:
        """Exchange the refresh token; for two hours the old one gives the same new one.

        :raises TokenRefused: the session is over, or the app password was taken back.
        :raises RefreshUnclear: no response, or none that says anything.
        """
        return auth.refresh(self._server_of(credentials), self._directory, credentials, start_by)

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask whose session it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        return auth.who_am_i(self._server_of(credentials), credentials)

    def _server_of(self, credentials: Credentials) -> Server:
        return self._directory.server_at(str(credentials.get("pds_url") or ""))

    # Writing

    def check(self, written: str, limits: Limits) -> None:
        """Raise TextProblem for a text that Bluesky does not take."""
        bluesky_text.check(written, limits)

    def needs_preparation(self, text: str, has_pictures: bool = False) -> bool:
        """True when it mentions somebody, or shall have a card."""
        has_card = not has_pictures and bluesky_text.first_link(text) is not None
        return has_card or bool(bluesky_text.mentions(text))

    def prepare(
        self, credentials: Credentials, written: str, has_pictures: bool = False
    ) -> Mapping[str, Any]:
        """Return the DIDs of the handles that are mentioned, and the card of the first link.

        There is no card where pictures go with the text, or where the page does not come within
        CARD_SECONDS. Raises LookUpFailed, TokenRefused.
        """
        prepared: dict[str, Any] = {}
        if handles := bluesky_text.mentions(written):
            server, token = self._server_of(credentials), auth.token_of(credentials)
            prepared["dids"] = timeline.dids_of(server, token, handles)
        link = None if has_pictures else bluesky_text.first_link(written)
        if link:
            did, public_only = str(credentials.get("did") or ""), not self._allow_private
            if card := self._cards.of(did, link, self._timeout, public_only):
                prepared["card"] = card
        return prepared

    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Store a picture, which the server keeps for minutes; the same one is stored once.

        :raises UploadRefused: the server does not take it.
        :raises LookUpFailed: try again later.
        :raises TokenRefused: the token is dead.
        """
        return media.upload(self._server_of(credentials), auth.token_of(credentials), picture)

    def body(self, part: Part, prepared: Mapping[str, Any] | None = None) -> Body:
        """Return record and record key; the account's own DID is added when it is sent."""
        return posts.body_of(part, prepared or {})

    # Publishing

    async def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Publish; docs/networks/bluesky.md says what each response means."""
        server = self._server_of(credentials)
        return await posts.create(server, credentials, body, start_by, self._site)

    # Looking up

    def look_ups_before_resend(self, _credentials: Credentials, _first_sent_at: datetime) -> int:
        """Return one: look-ups read the repository itself, where a post is at once."""
        return 1

    def comparable(self, body: Body) -> str:
        """Return the record key: no other post can have it."""
        return timeline.comparable_of(body)

    def recent(
        self, credentials: Credentials, remote_id: str, _since: datetime, bodies: Sequence[Body]
    ) -> list[SeenPost]:
        """Ask for each body's record by its key.

        :raises LookUpFailed: no usable response, or no time for all of them.
        :raises LookUpRefused: the server does not show the account's posts.
        :raises TokenRefused: the server shows them to nobody.
        """
        server, token = self._server_of(credentials), auth.token_of(credentials)
        return timeline.recent(server, token, remote_id, bodies, self._site)

    # Learning

    def history(self, credentials: Credentials, remote_id: str, asked: Asked) -> HistoryPage:
        """Read a page of the repository. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        server = self._server_of(credentials)
        return history.history(server, credentials, remote_id, asked, self._site)

    def numbers(self, credentials: Credentials, remote_ids: Sequence[str]) -> dict[str, Numbers]:
        """Ask the index for posts by URI. Raises what ``history`` raises."""
        return history.numbers(self._server_of(credentials), credentials, remote_ids)
