"""Facebook Pages: the Graph API with a Page's own token, one post per tweet, no threads."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from app.networks import oauth
from app.networks.base import (
    Body,
    Connection,
    Consent,
    Credentials,
    Limits,
    Network,
    Outcome,
    Part,
    Picture,
    Profile,
    SeenPost,
)
from app.networks.errors import LookUpFailed
from app.networks.facebook import auth, history, media, posts, timeline
from app.networks.facebook import options as facebook_options
from app.networks.facebook.client import Graph
from app.networks.facebook.text import check, comparable
from app.networks.history import Asked, HistoryPage, Numbers, ReadKind
from app.networks.options import Given, Option, Shown

SITE_URL = "https://www.facebook.com"


class Facebook(Network):
    """Facebook, or any server that speaks its API at ``FACEBOOK_GRAPH_URL``.

    A Page token that comes from a long-lived user token does not expire; a dead one comes back only
    by signing in again. Facebook fetches what a link leads to by itself.
    """

    name = "facebook"
    title = "Facebook"
    threads = False
    usual_limits = posts.LIMITS
    reads = (ReadKind.POSTS,)
    one_access_for_all = True

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._graph = Graph(
            config["FACEBOOK_GRAPH_URL"],
            config["SEND_TIMEOUT"],
            client_id=config["FACEBOOK_CLIENT_ID"],
            secret=config["FACEBOOK_CLIENT_SECRET"],
        )
        self.ready = bool(self._graph.client_id and self._graph.secret)
        self.is_local = oauth.is_played(self.name, config, self._graph.url)
        self._sign_in = auth.SignIn(self._graph, config["FACEBOOK_DIALOG_URL"])
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self._graph.url))
        self._site = origin if self.is_local else SITE_URL

    def profile_url(self, handle: str) -> str:
        """Return the Page, by its name or its number."""
        return f"{self._site}/{handle}"

    # Connecting

    def begin(
        self, typed: Mapping[str, str], redirect_uri: str, signing_in: bool = True
    ) -> Consent:
        """Return the dialog on which a person chooses Pages."""
        return self._sign_in.begin(redirect_uri)

    def finish(
        self, memory: Mapping[str, Any], callback: Mapping[str, str], redirect_uri: str
    ) -> list[Connection]:
        """Return every Page on which we may publish. Raises ConnectRefused, LookUpFailed."""
        return self._sign_in.finish(memory, callback, redirect_uri)

    def revoke(self, credentials: Credentials, start_by: float | None = None) -> bool:
        """End the access to all Pages of the person; never raises. False without a response.

        Pages that were connected before the person's own token was kept cannot end it.
        """
        if auth.PERSON not in credentials:
            return True
        with contextlib.suppress(LookUpFailed):
            auth.revoke(self._graph, credentials, start_by)
            return True
        return False

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask which Page it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        return auth.who_am_i(self._graph, credentials)

    def connected_by(self, credentials: Credentials) -> str:
        """Return the id of the person whose consent a Page token comes from, or ""."""
        return auth.connected_by(self._graph, credentials)

    def ask_access_end(self, credentials: Credentials) -> float | None:
        """Return when a Page token ends, or what it opens. Raises LookUpFailed."""
        return auth.access_end(self._graph, credentials)

    # Publishing

    def check(self, written: str, limits: Limits) -> None:
        """Raise TextProblem for a text that Facebook does not take."""
        check(written, limits)

    def options(self, _limits: Limits) -> Sequence[Option]:
        """Return what can be set, the same for everybody."""
        return facebook_options.OFFERED

    def check_options(self, given: Given, shown: Shown, limits: Limits) -> None:
        """Raise OptionProblem for what Facebook does not take."""
        facebook_options.check(given, shown, limits)

    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Store a picture. Raises UploadRefused, LookUpFailed, TokenRefused."""
        return media.upload(self._graph, credentials, picture)

    def body(self, part: Part, prepared: Mapping[str, Any] | None = None) -> Body:
        """Return the JSON of ``POST /{page}/feed``. Raises ValueError for a reply to a post."""
        return posts.body_of(part)

    async def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Publish on the Page; never raises."""
        return await posts.create(self._graph, credentials, body, start_by, self._site)

    # Looking up

    def look_ups_before_resend(
        self, credentials: Credentials, first_sent_at: datetime
    ) -> int | None:
        """Return None: Facebook's list may leave posts out, so absence is no proof."""
        return None

    def comparable(self, body: Body) -> str:
        """Return the body in the form in which look-ups compare it."""
        pictures = [picture["media_fbid"] for picture in body.get("attached_media") or []]
        return comparable(body.get("message") or "", pictures)

    def recent(
        self, credentials: Credentials, remote_id: str, since: datetime, bodies: Sequence[Body]
    ) -> list[SeenPost]:
        """Read the Page's posts. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        return timeline.recent(self._graph, credentials, remote_id, since, self._site)

    # Learning

    def history(self, credentials: Credentials, remote_id: str, asked: Asked) -> HistoryPage:
        """Read a page of the Page's posts. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        return history.history(self._graph, credentials, remote_id, asked, self._site)

    def numbers(self, credentials: Credentials, remote_ids: Sequence[str]) -> dict[str, Numbers]:
        """Ask for posts by id. Raises what ``history`` raises."""
        return history.numbers(self._graph, credentials, remote_ids)
