"""Facebook Pages: the Graph API with a Page's own token, one post per tweet, no threads."""

from __future__ import annotations

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
    Field,
    Limits,
    Outcome,
    Part,
    Picture,
    Profile,
    SeenPost,
)
from app.networks.errors import TokenRefused
from app.networks.facebook import auth, media, posts, timeline
from app.networks.facebook.client import Graph
from app.networks.facebook.text import check, comparable

GRAPH_URL = "https://graph.facebook.com/v25.0"
DIALOG_URL = "https://www.facebook.com/v25.0/dialog/oauth"
SITE_URL = "https://www.facebook.com"


class Facebook:
    """Facebook, or any server that speaks its API at ``FACEBOOK_GRAPH_URL``."""

    name = "facebook"
    title = "Facebook"
    threads = False
    visibilities: tuple[str, ...] = ()
    connect_fields: tuple[Field, ...] = ()
    usual_limits = posts.LIMITS

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._graph = Graph(
            str(config.get("FACEBOOK_GRAPH_URL") or GRAPH_URL).rstrip("/"),
            float(config.get("SEND_TIMEOUT") or 15.0),
            client_id=config.get("FACEBOOK_CLIENT_ID") or None,
            secret=config.get("FACEBOOK_CLIENT_SECRET") or None,
        )
        self._is_played = self.name in (config.get("SANDBOX") or ())
        dialog_url = str(config.get("FACEBOOK_DIALOG_URL") or DIALOG_URL)
        self._sign_in = auth.SignIn(self._graph, dialog_url)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self._graph.url))
        self._site = origin if self.is_local else SITE_URL

    @property
    def ready(self) -> bool:
        """True when there are an app's id and secret to sign in with."""
        return bool(self._graph.client_id and self._graph.secret)

    @property
    def is_local(self) -> bool:
        """True when the sandbox plays it."""
        return self._is_played and oauth.is_loopback(self._graph.url)

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

    def revoke(self, credentials: Credentials, start_by: float | None = None) -> None:
        """Do nothing: Facebook ends an app's access for a whole person, not for one Page.

        Ending it here would also end the other Pages that the same person has connected.
        """

    def can_refresh(self, credentials: Credentials) -> bool:
        """False: a dead Page token comes back only by signing in again."""
        return False

    def is_expired(self, credentials: Credentials) -> bool:
        """False: a Page token that comes from a long-lived user token does not expire."""
        return False

    def refresh(self, credentials: Credentials, start_by: float | None = None) -> Credentials:
        """Raise TokenRefused: there is nothing to exchange."""
        raise TokenRefused("Facebook has no refresh tokens")

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask which Page it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        return auth.who_am_i(self._graph, credentials)

    def connected_by(self, credentials: Credentials) -> str:
        """Return the id of the person whose consent a Page token comes from, or ""."""
        return auth.connected_by(self._graph, credentials)

    # Publishing

    def limits(self, credentials: Credentials) -> Limits:
        """Return what fits into a post; it is the same for every Page."""
        return posts.LIMITS

    def check(self, written: str, limits: Limits) -> None:
        """Raise TextProblem for a text that Facebook does not take."""
        check(written, limits)

    def needs_preparation(self, _text: str, _has_pictures: bool = False) -> bool:
        """False: there is nothing to ask about a text."""
        return False

    def prepare(
        self, credentials: Credentials, written: str, _has_pictures: bool = False
    ) -> Mapping[str, Any]:
        """Return nothing: Facebook fetches what a link leads to by itself."""
        return {}

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

    def lacks_parent(self, _credentials: Credentials, _body: Body) -> bool:
        """False: there are no threads."""
        return False

    def comparable(self, body: Body) -> str:
        """Return the body in the form in which look-ups compare it."""
        pictures = [picture["media_fbid"] for picture in body.get("attached_media") or []]
        return comparable(body.get("message") or "", pictures)

    def recent(
        self, credentials: Credentials, remote_id: str, since: datetime, bodies: Sequence[Body]
    ) -> list[SeenPost]:
        """Read the Page's posts. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        return timeline.recent(self._graph, credentials, remote_id, since, self._site)
