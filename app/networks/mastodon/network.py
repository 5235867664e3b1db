"""Mastodon: any server that speaks its API, found by the name that a person types."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from app.networks import http, oauth
from app.networks.base import (
    Body,
    Connection,
    ConnectRefused,
    Consent,
    Credentials,
    Field,
    Limits,
    LookUpFailed,
    LookUpRefused,
    Outcome,
    OutcomeKind,
    Part,
    Picture,
    Profile,
    SeenPost,
    TokenRefused,
)
from app.networks.http import addresses
from app.networks.mastodon import text
from app.networks.mastodon.apps import Apps, AppsInMemory
from app.networks.mastodon.auth import REVOKE_TIMEOUT, SIGN_IN_TIMEOUT, SignIn, let_go, revoke
from app.networks.mastodon.client import Server, segment
from app.networks.mastodon.delegation import homes_of
from app.networks.mastodon.matching import DESCRIPTIONS, SENT_AT, comparable_of, sought_of
from app.networks.mastodon.media import NOW_READY, upload, why_refused
from app.networks.mastodon.responses import (
    USUAL,
    allowance_left_for,
    id_in,
    limits_at,
    outcome_of,
    profile_of,
    reading_of,
    request_id_of,
    software_of,
    visibility_of,
)
from app.networks.mastodon.timeline import created_at, is_anothers, link_to, pages_of, seen
from app.networks.responses import known_shape, unanswered

ALL_LOOK_UPS = 1_000
KEY = "idempotency_key"
KEY_LIFE = timedelta(minutes=50)
"""A server forgets a key after an hour; the last try may take a while to arrive."""
REST = 30.0
"""Seconds before a key is used again: the first call may still be running there."""
UNPROVEN_TIMEOUT = 8.0
"""Seconds for a call to a server from which nobody ever came back with an account."""
UNPROVEN_CONNECT_TIMEOUT = 3.0
"""Of these, until it has to be reached."""
MAX_HOMES = 3
"""Names that a domain may give us, of which the first that is one of a public server counts."""
USERNAME = re.compile(r"[\w.~\-]{1,200}")
LOOK_UP_TIMEOUT = 20.0
"""Seconds for all calls of one look-up: a worker that is asked to stop has 25."""


class Mastodon:
    """Every Mastodon server; the credentials say which."""

    name = "mastodon"
    title = "Mastodon"
    usual_limits = USUAL
    threads = True
    visibilities: tuple[str, ...] = ("public", "unlisted", "private")
    connect_fields: tuple[Field, ...] = (Field("server", "Server", "For example mastodon.social"),)

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._usual = str(config.get("MASTODON_SERVER") or "")
        self._is_played = self.name in (config.get("SANDBOX") or ())
        (field,) = self.connect_fields
        self.connect_fields = (replace(field, value=self._usual),)
        self._allow_private = bool(config.get("ALLOW_PRIVATE_SERVERS"))
        self._timeout = float(config.get("SEND_TIMEOUT") or 15.0)
        self._delays = [float(delay) for delay in config.get("RECONCILE_DELAYS") or ()]
        self._apps: Apps = config.get("MASTODON_APPS") or AppsInMemory()
        self._sign_in = SignIn(self._apps, str(config.get("APP_URL") or ""))

    @property
    def ready(self) -> bool:
        """True: each server gives us what it takes to sign in."""
        return True

    @property
    def is_local(self) -> bool:
        """True when the server that people are offered first is one that the sandbox plays."""
        return self._is_played and oauth.is_loopback(self._url_of_usual)

    @property
    def _url_of_usual(self) -> str:
        return self._usual if "://" in self._usual else f"http://{self._usual}"

    def profile_url(self, handle: str) -> str:
        """Return the account's own page. The handle is the whole one: ``ana@example.social``."""
        if not handle:
            return self._url_of_usual
        user, _, host = handle.rpartition("@")
        local = self._allow_private and oauth.is_loopback(f"http://{host}")
        return f"{'http' if local else 'https'}://{host}/@{user}"

    # Connecting

    def begin(
        self, typed: Mapping[str, str], redirect_uri: str, signing_in: bool = True
    ) -> Consent:
        """Return the consent page of the typed server, or of the one that it names as its own.

        Raises ConnectRefused, LookUpFailed.
        """
        words = typed.get("server") or ""
        server = self._visited(self._checked(words))
        with _private_is_bad():
            try:
                return self._sign_in.begin(server, redirect_uri, signing_in)
            except ConnectRefused as refusal:
                home = self._home_of(server, words) if refusal.code == "no_mastodon" else None
                if home is None:
                    raise
            return self._sign_in.begin(home, redirect_uri, signing_in)

    def begin_anew(
        self, memory: Mapping[str, Any], redirect_uri: str, signing_in: bool = True
    ) -> Consent:
        """Return the consent page once more, for another app than that of this memory.

        Raises ConnectRefused, LookUpFailed.
        """
        server = self._visited(self._checked(str(memory.get("server") or "")))
        with _private_is_bad():
            return self._sign_in.begin(server, redirect_uri, signing_in, str(memory["client"]))

    def _checked(self, typed: str) -> str:
        """Return the address of a server that was typed. Raises ConnectRefused."""
        try:
            url = addresses.public_https_url(typed, self._allow_private)
        except ValueError as error:
            raise ConnectRefused("bad_server", str(error)) from error
        if not url.isascii() or not url.isprintable():
            raise ConnectRefused("bad_server", "this is not the name of a server")
        return url

    def _home_of(self, server: Server, typed: str) -> Server | None:
        """Return the server where a domain's accounts live, in the time that is left; one hop."""
        for origin in islice(homes_of(server, typed), MAX_HOMES):
            with contextlib.suppress(ConnectRefused):
                home = replace(self._visited(self._checked(origin)), ends_at=server.ends_at)
                if home.host != server.host:
                    return home
        return None

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> list[Connection]:
        """Take the answer of the consent page. Raises ConnectRefused, LookUpFailed."""
        server = self._visited(str(memory.get("server") or ""))
        with _private_is_bad():
            opened = self._sign_in.finish(server, memory, callback, redirect_uri)
            credentials: Credentials = {**opened.credentials, "server_url": server.url}
            try:
                profile = _who(server, credentials)
            except (TokenRefused, LookUpRefused) as error:
                let_go(server, credentials)
                raise ConnectRefused("refused", str(error)) from error
            except LookUpFailed:
                let_go(server, credentials)
                raise
            software, version = software_of(server)
            credentials |= {"software": software, "version": version}
            limits = _limits_if_told(server, credentials)
        self._apps.note_return(server.url, opened.checks_codes)
        return [
            Connection(
                profile,
                credentials,
                limits,
                server_was_typed=True,
                proves_nobody=not opened.checks_codes,
            )
        ]

    def revoke(self, credentials: Credentials, start_by: float | None = None) -> None:
        """End the token; never raises."""
        with contextlib.suppress(LookUpFailed):
            revoke(self._home(credentials), credentials, start_by)

    def can_refresh(self, _credentials: Credentials) -> bool:
        """False: a dead token comes back only by signing in again."""
        return False

    def is_expired(self, _credentials: Credentials) -> bool:
        """False: Mastodon's tokens have no end of their own."""
        return False

    def refresh(self, _credentials: Credentials, _go: float | None = None) -> Credentials:
        """Raise TokenRefused: there is nothing to exchange."""
        raise TokenRefused("Mastodon has no refresh tokens")

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask whose token it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        return _who(self._home(credentials), credentials)

    def connected_by(self, _credentials: Credentials) -> str:
        """Return nothing: here the account is the person."""
        return ""

    def _home(self, credentials: Credentials) -> Server:
        return self._server(str(credentials.get("server_url") or ""))

    def _visited(self, url: str) -> Server:
        """Return a server for all calls of one step, while somebody waits for the page.

        One from which nobody ever came back with an account is given up sooner.
        """
        server = self._server(url)
        usual = urlsplit(self._url_of_usual).netloc.lower()
        if server.host != usual and not self._apps.known(url).has_answered:
            timeout = min(server.timeout, UNPROVEN_TIMEOUT)
            server = replace(server, timeout=timeout, connect_timeout=UNPROVEN_CONNECT_TIMEOUT)
        return server.within(SIGN_IN_TIMEOUT - REVOKE_TIMEOUT)

    def _server(self, url: str) -> Server:
        return Server(url, self._timeout, public_only=not self._allow_private)

    # Writing

    def limits(self, credentials: Credentials) -> Limits:
        """Ask the server what it takes. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        software = str(credentials.get("software") or "")
        return _limits_at(self._home(credentials), _token(credentials), software)

    def check(self, written: str, limits: Limits) -> None:
        """Raise TextProblem for a text that a server with these limits does not take."""
        text.check(written, limits)

    def needs_preparation(self, _text: str, _has_pictures: bool = False) -> bool:
        """False: there is nothing to ask about a text."""
        return False

    def prepare(
        self, _credentials: Credentials, _written: str, _has_pictures: bool = False
    ) -> Mapping[str, Any]:
        """Return nothing: a server finds links and mentions by itself."""
        return {}

    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Store a picture, which the server keeps for a day without a post.

        :raises UploadRefused: the server does not take it.
        :raises LookUpFailed: try again later.
        :raises TokenRefused: the token or a permission is dead.
        """
        server = self._home(credentials).within(self._timeout)
        return upload(server, _token(credentials), picture)

    def body(self, part: Part, _prepared: Mapping[str, Any] | None = None) -> Body:
        """Return the JSON of ``POST /api/v1/statuses``, the key that goes into its header, and
        what look-ups compare beside the words.
        """
        body: Body = {KEY: part.key, SENT_AT: part.started_at.isoformat()}
        if part.text:
            body["status"] = part.text
        if part.pictures:
            body["media_ids"] = [picture["id"] for picture in part.pictures]
            body[DESCRIPTIONS] = [picture.get("description") or "" for picture in part.pictures]
        if part.reply_to is not None:
            body["in_reply_to_id"] = part.reply_to["id"]
        return body

    # Publishing

    def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Publish; docs/networks/mastodon.md says what each answer means."""
        server, token = self._home(credentials).within(self._timeout), _token(credentials)
        outcome = _post(server, token, body, start_by)
        if outcome.code == NOW_READY:
            outcome = _post(server, token, body, start_by)
        return replace(outcome, code="rejected") if outcome.code == NOW_READY else outcome

    # Looking up

    def look_ups_before_resend(self, credentials: Credentials, first_sent_at: datetime) -> int:
        """Return how many empty look-ups allow a second send.

        Mastodon itself gives the first post back when the same key comes again: two, or as many
        as it takes to leave the first call time to end. Other servers, and Mastodon once it may
        have forgotten the key: all there are.
        """
        is_late = datetime.now(UTC) - first_sent_at > KEY_LIFE
        if credentials.get("software") != "mastodon" or is_late:
            return ALL_LOOK_UPS
        rested = (count for count, delay in enumerate(self._delays, 1) if delay >= REST)
        return max(2, next(rested, len(self._delays)))

    def lacks_parent(self, credentials: Credentials, body: Body) -> bool:
        """Whether the post that this one answers is gone: some servers answer 500 then.

        :raises LookUpFailed: no answer.
        """
        parent = body.get("in_reply_to_id")
        if parent is None:
            return False
        path = f"/api/v1/statuses/{segment(str(parent))}"
        server = self._home(credentials).within(LOOK_UP_TIMEOUT)
        return server.read(path, token=_token(credentials)).status in {404, 410}

    def comparable(self, body: Body) -> str:
        """Return the body in the form in which look-ups compare it."""
        return comparable_of(body)

    def recent(
        self, credentials: Credentials, remote_id: str, since: datetime, bodies: Sequence[Body]
    ) -> list[SeenPost]:
        """Read the account's own posts, those that were made since then.

        :raises LookUpFailed: no usable answer, or no time for all of them.
        :raises LookUpRefused: a permission is missing, or the account is gone.
        :raises TokenRefused: the token is dead.
        """
        server, token = self._home(credentials).within(LOOK_UP_TIMEOUT), _token(credentials)
        is_mastodon = credentials.get("software") == "mastodon"
        sought = sought_of(bodies)
        since = since.replace(microsecond=0)  # some servers tell moments in whole seconds
        with known_shape():
            found = [
                post
                for page in pages_of(server, token, remote_id, since)
                for status in page
                if (created_at(status) or since) >= since
                and not status.get("reblog")
                and not (is_mastodon and is_anothers(status))
                for post in seen(server, token, status, sought)
            ]
            found.reverse()  # they come newest first, and several may share a moment
            return sorted(found, key=lambda post: post.created_at or since)


def _post(server: Server, token: str, body: Body, start_by: float) -> Outcome:
    """Make one create call."""
    content = dict(body)
    key = str(content.pop(KEY, ""))
    for name in (SENT_AT, DESCRIPTIONS):
        content.pop(name, None)
    try:
        answer = server.call(
            "POST", "/api/v1/statuses", token=token, key=key, start_by=start_by, json=content
        )
    except (http.NotSent, http.NoResponse) as error:
        return unanswered(error)
    remote_id = id_in(answer.data) if 200 <= answer.status < 300 else None
    if remote_id is None:
        refusal = outcome_of(answer)
        return why_refused(server, token, content, refusal) or refusal
    return Outcome(
        OutcomeKind.OK,
        remote_id=remote_id,
        remote_url=link_to(answer.data, server),
        http_status=answer.status,
        request_id=request_id_of(answer),
        answered_at=answer.at,
        pause_for=allowance_left_for(answer),
        reference={"id": remote_id},
    )


def _token(credentials: Credentials) -> str:
    return str(credentials.get("access_token") or "")


def _who(server: Server, credentials: Credentials) -> Profile:
    path = "/api/v1/accounts/verify_credentials"
    with known_shape():
        profile = profile_of(reading_of(server.read(path, token=_token(credentials))), server)
        if not USERNAME.fullmatch(profile.handle.removesuffix(f"@{server.host}")):
            raise ValueError("a name that would read as somebody else's, or as none")
        return profile


def _limits_if_told(server: Server, credentials: Credentials) -> Limits | None:
    with contextlib.suppress(LookUpFailed, LookUpRefused, TokenRefused):
        return _limits_at(server, _token(credentials), str(credentials.get("software") or ""))
    return None


def _limits_at(server: Server, token: str, software: str) -> Limits:
    limits = limits_at(server, token, software)
    return replace(limits, visibility=visibility_of(server, token))


@contextlib.contextmanager
def _private_is_bad() -> Iterator[None]:
    """Tell a name that leads into a private network from a server that is silent."""
    try:
        yield
    except LookUpFailed as error:
        if str(error) == "private_address":
            raise ConnectRefused("bad_server", "private_address") from None
        raise
