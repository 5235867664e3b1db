"""Bluesky: the AT Protocol with an app password, at the server that keeps the account."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.networks import http, oauth
from app.networks.base import (
    Body,
    Connection,
    ConnectRefused,
    Credentials,
    Field,
    Limits,
    LookUpFailed,
    LookUpRefused,
    Outcome,
    Part,
    Picture,
    Profile,
    RefreshUnclear,
    SeenPost,
    TokenRefused,
)
from app.networks.bluesky import text as bluesky_text
from app.networks.bluesky.auth import SignIn, checked_session, credentials_of
from app.networks.bluesky.card import Cards
from app.networks.bluesky.client import Server
from app.networks.bluesky.identity import Directory
from app.networks.bluesky.posts import COLLECTION, EPOCH, key_of, record_of
from app.networks.bluesky.publishing import publish
from app.networks.bluesky.responses import problem_of, reading_of, word_in
from app.networks.bluesky.timeline import did_of, profile_of, stored_post, upload
from app.networks.responses import known_shape

ENTRYWAY = "https://bsky.social"
PLC_DIRECTORY = "https://plc.directory"
SITE = "https://bsky.app"
SIGN_IN = 20.0
"""Seconds for all calls of one sign-in: somebody waits for the page."""
LOOK_UP_TIMEOUT = 20.0
"""Seconds for all reads of one look-up: a worker that is asked to stop has 25."""
REFRESH_TIMEOUT = 10.0
"""Seconds for one of two tries."""
MOVE_TIMEOUT = 3.0
"""Seconds to find out whether an account has really moved; it stays where it was without."""
EXPIRY_LEEWAY = 60.0
LIMITS = Limits(
    characters=300,
    unit="graphemes",
    bytes=3_000,
    pictures=4,
    picture_bytes=1_000_000,  # newer servers take twice as much, older ones do not
    alt_length=2_000,
    picture_types=("image/jpeg", "image/png", "image/webp"),
)


class Bluesky:
    """Bluesky, or any server that speaks its protocol at ``BLUESKY_URL``."""

    name = "bluesky"
    title = "Bluesky"
    usual_limits = LIMITS
    threads = True
    visibilities: tuple[str, ...] = ()
    connect_fields: tuple[Field, ...] = (
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
        url = str(config.get("BLUESKY_URL") or ENTRYWAY).rstrip("/")
        self._allow_private = bool(config.get("ALLOW_PRIVATE_SERVERS"))
        self._timeout = float(config.get("SEND_TIMEOUT") or 15.0)
        self._entryway = Server(url, self._timeout)
        plc_url = str(config.get("PLC_URL") or (url if oauth.is_loopback(url) else PLC_DIRECTORY))
        self._directory = Directory(self._entryway, plc_url.rstrip("/"), self._allow_private)
        self._sign_in = SignIn(self._directory, self._timeout)
        self._cards = Cards()
        self._is_played = self.name in (config.get("SANDBOX") or ())
        self._site = url if self.is_local else SITE

    @property
    def ready(self) -> bool:
        """True: an app password is all it takes."""
        return True

    @property
    def is_local(self) -> bool:
        """True when the sandbox plays it."""
        return self._is_played and oauth.is_loopback(self._entryway.url)

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
        ends_at = time.monotonic() + SIGN_IN
        opened = self._sign_in.open(typed, ends_at)
        credentials = credentials_of(opened.session, opened.server)
        left = ends_at - time.monotonic()
        profile = profile_of(self._home(credentials), credentials, opened.session, left)
        is_elsewhere = not self._directory.is_entryways(opened.server)
        return [Connection(profile, credentials, server_was_typed=is_elsewhere)]

    def finish(
        self, _memory: Mapping[str, Any], _callback: Mapping[str, str], _redirect_uri: str
    ) -> list[Connection]:
        """Raise ConnectRefused: there is no consent page to come back from."""
        raise ConnectRefused("stale")

    def revoke(self, credentials: Credentials, start_by: float | None = None) -> None:
        """Close the session; never raises."""
        with contextlib.suppress(http.NotSent, http.NoResponse):
            self._home(credentials).call(
                "POST",
                "com.atproto.server.deleteSession",
                token=str(credentials.get("refresh_jwt") or ""),
                at_most=REFRESH_TIMEOUT,
                start_by=start_by,
            )

    def can_refresh(self, credentials: Credentials) -> bool:
        """True as long as there is a session; its refresh token lives for months."""
        return bool(credentials.get("refresh_jwt"))

    def is_expired(self, credentials: Credentials) -> bool:
        """True when the access token (2 hours) is over or will be within a minute."""
        expires_at = credentials.get("expires_at")
        return bool(expires_at) and time.time() + EXPIRY_LEEWAY >= float(expires_at or 0)

    def refresh(self, credentials: Credentials, start_by: float | None = None) -> Credentials:
        """Exchange the refresh token; for two hours the old one gives the same new one.

        :raises TokenRefused: the session is over, or the app password was taken back.
        :raises RefreshUnclear: no answer, or none that says anything.
        """
        try:
            answer = self._home(credentials).call(
                "POST",
                "com.atproto.server.refreshSession",
                token=str(credentials.get("refresh_jwt") or ""),
                at_most=REFRESH_TIMEOUT,
                start_by=start_by,
            )
        except (http.NotSent, http.NoResponse) as error:
            raise RefreshUnclear(str(error)) from error
        if answer.status in {400, 401, 403} and word_in(answer):  # others are a gateway's
            raise TokenRefused(problem_of(answer))
        return self._refreshed(answer, credentials)

    def _refreshed(self, answer: http.Response, old: Credentials) -> Credentials:
        try:
            session = checked_session({"handle": old.get("handle"), **reading_of(answer)})
        except LookUpFailed as error:
            raise RefreshUnclear(f"HTTP {answer.status}", error.retry_after) from error
        except LookUpRefused as error:
            raise RefreshUnclear(f"HTTP {answer.status}") from error
        if session["did"] != old.get("did"):
            raise RefreshUnclear("the answer is about another account")
        return credentials_of(session, self._home_after(session, old["pds_url"]))

    def _home_after(self, session: Mapping[str, Any], home: str) -> str:
        """Return the server that keeps the account from now on.

        The one that has just answered may say that the account has moved. It is believed when the
        account's own document says so, too; otherwise it could send us anywhere.
        """
        with contextlib.suppress(ConnectRefused):
            document = session.get("didDoc")
            if document is None or self._directory.server_in(document) == home:
                return home
            ends_at = time.monotonic() + MOVE_TIMEOUT
            identity = self._directory.identity_of(str(session["did"]), ends_at)
            if identity is not None and identity.server == self._directory.server_in(document):
                return identity.server
        return home

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask whose session it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        server, token = self._home(credentials), str(credentials.get("access_jwt") or "")
        answer = server.read("com.atproto.server.getSession", token=token)
        with known_shape():
            session = reading_of(answer)
            if session["did"] != credentials.get("did", session["did"]):
                raise LookUpFailed("the answer is about another account")
            if session.get("active") is False:
                raise LookUpRefused("account_inactive", str(session.get("status") or ""))
            return profile_of(server, credentials, session)

    def connected_by(self, _credentials: Credentials) -> str:
        """Return nothing: here the account is the person."""
        return ""

    def _home(self, credentials: Credentials) -> Server:
        """Return the account's own server, which anybody may run."""
        url = str(credentials.get("pds_url") or "")
        is_ours = url == self._entryway.url
        return Server(url, self._timeout, public_only=not (self._allow_private or is_ours))

    # Writing

    def limits(self, _credentials: Credentials) -> Limits:
        """Return what fits into a post; it is the same everywhere."""
        return LIMITS

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

        Without a card the post is none the worse: there is none where pictures go with the text,
        or the page cannot be had in CARD_SECONDS. Raises LookUpFailed, TokenRefused.
        """
        prepared: dict[str, Any] = {}
        if handles := bluesky_text.mentions(written):
            prepared["dids"] = self._dids_of(credentials, handles)
        link = None if has_pictures else bluesky_text.first_link(written)
        if link:
            did, public_only = str(credentials.get("did") or ""), not self._allow_private
            if card := self._cards.of(did, link, self._timeout, public_only):
                prepared["card"] = card
        return prepared

    def _dids_of(self, credentials: Credentials, handles: Sequence[str]) -> dict[str, str]:
        server, ends_at = self._home(credentials), time.monotonic() + LOOK_UP_TIMEOUT
        token = str(credentials.get("access_jwt") or "")
        found = {handle: did_of(server, handle, token, ends_at) for handle in handles}
        return {handle: did for handle, did in found.items() if did}

    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Store a picture, which the server keeps for minutes; the same one is stored once.

        :raises UploadRefused: the server does not take it.
        :raises LookUpFailed: try again later.
        :raises TokenRefused: the token is dead.
        """
        return upload(self._home(credentials), credentials, picture)

    def body(self, part: Part, prepared: Mapping[str, Any] | None = None) -> Body:
        """Return record and record key; the account's own DID is added when it is sent."""
        known = prepared or {}
        record = record_of(part, known.get("dids") or {}, known.get("card"))
        return {"collection": COLLECTION, "rkey": key_of(part), "record": record}

    # Publishing

    def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Publish; docs/networks/bluesky.md says what each answer means."""
        did = str(credentials.get("did") or "")
        return publish(
            self._home(credentials),
            credentials,
            body,
            start_by,
            lambda key: self._page_of(did, key),
        )

    def _page_of(self, did: str, rkey: str) -> str:
        return f"{self._site}/profile/{did}/post/{rkey}"

    # Looking up

    def look_ups_before_resend(self, _credentials: Credentials, _first_sent_at: datetime) -> int:
        """Return one: what is read is the repository itself, where a post is at once."""
        return 1

    def lacks_parent(self, _credentials: Credentials, _body: Body) -> bool:
        """False: what is refused for that is told in so many words."""
        return False

    def comparable(self, body: Body) -> str:
        """Return the record key: no other post can have it."""
        return str(body["rkey"])

    def recent(
        self, credentials: Credentials, remote_id: str, _since: datetime, bodies: Sequence[Body]
    ) -> list[SeenPost]:
        """Ask for each body's record by its key.

        :raises LookUpFailed: no usable answer, or no time for all of them.
        :raises LookUpRefused: the server does not show the account's posts.
        :raises TokenRefused: the server shows them to nobody.
        """
        server, ends_at = self._home(credentials), time.monotonic() + LOOK_UP_TIMEOUT
        return [
            SeenPost(
                remote_id=post.reference["uri"],
                url=self._page_of(remote_id, body["rkey"]),
                # The key alone decides, a date could only hide the post. What is not ours is dated
                # before every send: it is never taken, and never absence.
                created_at=None if post.is_ours else EPOCH,
                comparable=self.comparable(body),
                in_reply_to=post.in_reply_to,
                reference=post.reference,
            )
            for body in bodies
            if (post := stored_post(server, credentials, remote_id, body, ends_at)) is not None
        ]
