"""Mastodon: any server that speaks its API, found by the name that a person types."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.networks import oauth
from app.networks.base import (
    Body,
    Connection,
    Consent,
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
from app.networks.errors import ConnectRefused, LookUpFailed
from app.networks.history import Asked, HistoryPage, Numbers, ReadKind
from app.networks.mastodon import auth, history, matching, media, posts, text, timeline
from app.networks.mastodon.apps import Apps
from app.networks.mastodon.client import Server
from app.networks.mastodon.servers import Servers, private_is_refused


class Mastodon(Network):
    """Every Mastodon server; the credentials say which.

    Each server gives us what it takes to sign in. Tokens have no end of their own: a dead one comes
    back only by signing in again. A server finds links and mentions by itself.
    """

    name = "mastodon"
    title = "Mastodon"
    usual_limits = posts.USUAL
    threads = True
    visibilities = ("public", "unlisted", "private")
    reads = tuple(ReadKind)

    def __init__(self, config: Mapping[str, Any]) -> None:
        usual = config["MASTODON_SERVER"] or ""
        server = Field("server", "Server", "For example mastodon.social", value=usual)
        self.connect_fields = (server,)
        self._timeout: float = config["SEND_TIMEOUT"]
        self._delays: list[float] = config["RECONCILE_DELAYS"]
        apps: Apps = config["MASTODON_APPS"]
        usual_url = usual if "://" in usual else f"http://{usual}"
        self._servers = Servers(usual_url, apps, self._timeout, config["ALLOW_PRIVATE_SERVERS"])
        self.is_local = oauth.is_played(self.name, config, self._servers.usual_url)
        self._sign_in = auth.SignIn(apps, config["APP_URL"] or "")

    def profile_url(self, handle: str) -> str:
        """Return the account's own page. The handle is the whole one: ``ana@example.social``."""
        if not handle:
            return self._servers.usual_url
        user, _, host = handle.rpartition("@")
        local = self._servers.allow_private and oauth.is_loopback(f"http://{host}")
        return f"{'http' if local else 'https'}://{host}/@{user}"

    # Connecting

    def begin(
        self, typed: Mapping[str, str], redirect_uri: str, signing_in: bool = True
    ) -> Consent:
        """Return the consent page of the typed server, or of the one that it names as its own.

        Raises ConnectRefused, LookUpFailed.
        """
        name = typed.get("server") or ""
        server = self._servers.visited(self._servers.checked(name))
        with private_is_refused():
            try:
                return self._sign_in.begin(server, redirect_uri, signing_in)
            except ConnectRefused as refusal:
                if refusal.code != "no_mastodon":
                    raise
                home = self._servers.home_of(server, name)
                if home is None:
                    raise
            return self._sign_in.begin(home, redirect_uri, signing_in)

    def begin_anew(
        self, memory: Mapping[str, Any], redirect_uri: str, signing_in: bool = True
    ) -> Consent:
        """Return the consent page once more, for another app than that of this memory.

        Raises ConnectRefused, LookUpFailed.
        """
        name = str(memory.get("server") or "")
        server = self._servers.visited(self._servers.checked(name))
        with private_is_refused():
            return self._sign_in.begin(
                server, redirect_uri, signing_in, auth.scopes_in(memory), str(memory["client"])
            )

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> list[Connection]:
        """Take the answer of the consent page. Raises ConnectRefused, LookUpFailed."""
        server = self._servers.visited(str(memory.get("server") or ""))
        with private_is_refused():
            return [self._sign_in.finish(server, memory, callback, redirect_uri)]

    def revoke(self, credentials: Credentials, start_by: float | None = None) -> bool:
        """End the token; never raises. False when there is no response."""
        with contextlib.suppress(LookUpFailed):
            auth.revoke(self._server_of(credentials), credentials, start_by)
            return True
        return False

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask whose token it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        return auth.who_am_i(self._server_of(credentials), credentials)

    def _server_of(self, credentials: Credentials) -> Server:
        return self._servers.at(str(credentials.get("server_url") or ""))

    # Writing

    def limits(self, credentials: Credentials) -> Limits:
        """Ask the server what it takes. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        software = str(credentials.get("software") or "")
        return posts.limits_at(self._server_of(credentials), oauth.token_of(credentials), software)

    def check(self, written: str, limits: Limits) -> None:
        """Raise TextProblem for a text that a server with these limits does not take."""
        text.check(written, limits)

    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Store a picture, which the server keeps for a day without a post.

        :raises UploadRefused: the server does not take it.
        :raises LookUpFailed: try again later.
        :raises TokenRefused: the token or a permission is dead.
        """
        server = self._server_of(credentials).within(self._timeout)
        return media.upload(server, oauth.token_of(credentials), picture)

    def body(self, part: Part, _prepared: Mapping[str, Any] | None = None) -> Body:
        """Return the JSON of ``POST /api/v1/statuses``, its key and what look-ups compare."""
        return posts.body_of(part)

    # Publishing

    async def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Publish; docs/networks/mastodon.md says what each response means."""
        server = self._server_of(credentials).within(self._timeout)
        return await posts.create(server, oauth.token_of(credentials), body, start_by)

    # Looking up

    def look_ups_before_resend(self, credentials: Credentials, first_sent_at: datetime) -> int:
        """Return how many empty look-ups allow a second send; more than there are: all of them."""
        return timeline.look_ups_before_resend(credentials, self._delays, first_sent_at)

    def lacks_parent(self, credentials: Credentials, body: Body) -> bool:
        """Whether the post that this one answers is gone: some servers answer 500 then.

        :raises LookUpFailed: no response.
        """
        server = self._server_of(credentials)
        return timeline.lacks_parent(server, oauth.token_of(credentials), body)

    def comparable(self, body: Body) -> str:
        """Return the body in the form in which look-ups compare it."""
        return matching.comparable_of(body)

    def recent(
        self, credentials: Credentials, remote_id: str, since: datetime, bodies: Sequence[Body]
    ) -> list[SeenPost]:
        """Read the account's own posts, those that were made since then.

        :raises LookUpFailed: no usable response, or no time for all of them.
        :raises LookUpRefused: a permission is missing, or the account is gone.
        :raises TokenRefused: the token is dead.
        """
        server = self._server_of(credentials)
        return timeline.recent(server, credentials, remote_id, since, bodies)

    # Learning

    def lets_read(self, credentials: Credentials, kinds: Collection[ReadKind]) -> bool:
        """True when what was granted includes these lists."""
        return auth.lets_read(credentials, kinds)

    def begin_reading(
        self, credentials: Credentials, kinds: Collection[ReadKind], redirect_uri: str
    ) -> Consent:
        """Return the consent page of the account's server, which asks for these lists, too.

        Raises ConnectRefused, LookUpFailed.
        """
        server = self._servers.visited(str(credentials.get("server_url") or ""))
        with private_is_refused():
            return self._sign_in.begin(server, redirect_uri, False, auth.scopes_for(kinds))

    def history(self, credentials: Credentials, remote_id: str, asked: Asked) -> HistoryPage:
        """Read a page of a list. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        server = self._server_of(credentials)
        return history.history(server, oauth.token_of(credentials), remote_id, asked)

    def numbers(self, credentials: Credentials, remote_ids: Sequence[str]) -> dict[str, Numbers]:
        """Ask for posts by id. Raises what ``history`` raises."""
        server = self._server_of(credentials)
        return history.numbers(server, oauth.token_of(credentials), remote_ids)
