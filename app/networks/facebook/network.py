"""Facebook Pages: the Graph API with a Page's own token, one post per tweet, no threads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from app.networks import http, oauth, text
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
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused, UploadRefused
from app.networks.facebook.auth import PAGE_FIELDS, SignIn
from app.networks.facebook.client import Graph, without_query
from app.networks.facebook.responses import (
    BAD_PARAMETER,
    code_of,
    comparable,
    id_in,
    link_to,
    moment_in,
    next_page,
    outcome_of,
    person_in,
    pictures_in,
    profile_of,
    reading_of,
    trace_of,
)
from app.networks.facebook.usage import used_up_for
from app.networks.links import addresses_in
from app.networks.responses import known_shape, unanswered
from app.networks.text import TextProblem

GRAPH_URL = "https://graph.facebook.com/v25.0"
DIALOG_URL = "https://www.facebook.com/v25.0/dialog/oauth"
SITE = "https://www.facebook.com"
MAX_PAGES = 8
LOOK_UP_TIMEOUT = 20.0
"""Seconds for all pages of one look-up: a worker that is asked to stop has 25."""
DESCRIBE_TIMEOUT = 5.0
"""Seconds to ask about one token: somebody waits for the page."""
ANSWER_FIELDS = "id,permalink_url,created_time"
POST_FIELDS = "id,message,created_time,permalink_url,attachments,is_published"
LIMITS = Limits(
    characters=63_206,
    unit="utf16",
    pictures=10,
    picture_bytes=4_000_000,
    picture_types=("image/jpeg", "image/png", "image/gif"),
)


class Facebook:
    """Facebook, or any server that speaks its API at ``FACEBOOK_GRAPH_URL``."""

    name = "facebook"
    title = "Facebook"
    threads = False
    connect_fields: tuple[Field, ...] = ()
    usual_limits = LIMITS

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._graph = Graph(
            url=str(config.get("FACEBOOK_GRAPH_URL") or GRAPH_URL).rstrip("/"),
            client_id=config.get("FACEBOOK_CLIENT_ID") or None,
            secret=config.get("FACEBOOK_CLIENT_SECRET") or None,
            timeout=float(config.get("SEND_TIMEOUT") or 15.0),
        )
        self._is_played = self.name in (config.get("SANDBOX") or ())
        dialog = str(config.get("FACEBOOK_DIALOG_URL") or DIALOG_URL)
        self._sign_in = SignIn(self._graph, dialog)
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self._graph.url))
        self._site = origin if self.is_local else SITE

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

    def revoke(self, _credentials: Credentials, _go: float | None = None) -> None:
        """Do nothing: Facebook ends an app's access for a whole person, not for one Page.

        Ending it here would also end the other Pages that the same person has connected.
        """

    def can_refresh(self, credentials: Credentials) -> bool:
        """False: a dead Page token comes back only by signing in again."""
        return False

    def is_expired(self, credentials: Credentials) -> bool:
        """False: a Page token that came from a long-lived one has no end of its own."""
        return False

    def refresh(self, _credentials: Credentials, _go: float | None = None) -> Credentials:
        """Raise TokenRefused: there is nothing to exchange."""
        raise TokenRefused("Facebook has no refresh tokens")

    def who_am_i(self, credentials: Credentials) -> Profile:
        """Ask which Page it is. Raises TokenRefused, LookUpFailed, LookUpRefused."""
        with known_shape():
            answer = self._graph.read("me", _token(credentials), {"fields": PAGE_FIELDS})
            return profile_of(reading_of(answer))

    def connected_by(self, credentials: Credentials) -> str:
        """Ask whose consent a Page token comes from; it is told of a dead token, too.

        It is what tells whose a Page is that was connected before we asked who the person is.
        """
        answer = self._graph.described(_token(credentials), DESCRIBE_TIMEOUT)
        with known_shape():
            if code_of(answer) == BAD_PARAMETER:
                return ""  # Facebook has forgotten this token
            try:
                told = reading_of(answer)["data"]
            except (LookUpRefused, TokenRefused) as error:
                raise LookUpFailed(str(error)) from error
            is_ours = str(told["app_id"]) == self._graph.client_id
            is_its = str(told.get("profile_id")) == str(credentials.get("page_id"))
            return person_in(told, "user_id") if is_ours and is_its else ""

    # Writing

    def limits(self, credentials: Credentials) -> Limits:
        """Return what fits into a post; it is the same for every Page."""
        return LIMITS

    def check(self, written: str, limits: Limits) -> None:
        """Raise TextProblem for a text that Facebook does not take. It counts UTF-16 units."""
        cleaned = text.allowed(written)
        length = len(cleaned.encode("utf-16-le")) // 2
        if length > limits.characters:
            raise TextProblem("too_long", length=length, limit=limits.characters)

    def needs_preparation(self, _text: str) -> bool:
        """False: there is nothing to ask about a text."""
        return False

    def prepare(self, credentials: Credentials, written: str) -> Mapping[str, Any]:
        """Return nothing: Facebook fetches what a link leads to by itself."""
        return {}

    def upload(self, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
        """Store a picture without publishing it; doing it twice does no harm.

        :raises UploadRefused: Facebook does not take it.
        :raises LookUpFailed: try again later.
        :raises TokenRefused: the token or a permission is dead.
        """
        form = {"published": "false"}
        if picture.alt:
            form["alt_text_custom"] = picture.alt
        name = f"picture.{picture.mime.rpartition('/')[2]}"
        try:
            answer = self._graph.call(
                "POST",
                f"{credentials['page_id']}/photos",
                _token(credentials),
                data=form,
                files={"source": (name, picture.data, picture.mime)},
            )
        except (http.NotSent, http.NoResponse) as error:
            raise LookUpFailed(without_query(error)) from None
        photo = id_in(answer.data) if answer.status == 200 else None
        if photo is None:
            raise _upload_failure(outcome_of(answer))
        return {"media_fbid": photo}

    def body(self, part: Part, prepared: Mapping[str, Any] | None = None) -> Body:
        """Return the JSON of ``POST /{page}/feed``. Raises ValueError for an answer to a post."""
        if part.reply_to is not None:
            raise ValueError("Facebook has no threads")
        body: Body = {"message": part.text} if part.text else {}
        if part.pictures:
            body["attached_media"] = [{"media_fbid": p["media_fbid"]} for p in part.pictures]
        elif link := _first_link(part.text):
            body["link"] = link
        return body

    # Publishing

    def create(self, credentials: Credentials, body: Body, start_by: float) -> Outcome:
        """Publish on the Page; docs/networks/facebook.md says what each answer means."""
        try:
            answer = self._graph.call(
                "POST",
                f"{credentials.get('page_id')}/feed",
                _token(credentials),
                params={"fields": ANSWER_FIELDS},
                start_by=start_by,
                json=body,
            )
        except (http.NotSent, http.NoResponse) as error:
            return unanswered(error)
        remote_id = id_in(answer.data) if 200 <= answer.status < 300 else None
        if remote_id is None:
            return outcome_of(answer)
        return Outcome(
            OutcomeKind.OK,
            remote_id=remote_id,
            remote_url=link_to(answer.data, self._site),
            http_status=answer.status,
            request_id=trace_of(answer),
            answered_at=answer.at,
            pause_for=used_up_for(answer),
        )

    # Looking up

    def look_ups_before_resend(
        self, credentials: Credentials, first_sent_at: datetime
    ) -> int | None:
        """Return None: Facebook's list may leave posts out, so absence is no proof."""
        return None

    def lacks_parent(self, _credentials: Credentials, _body: Body) -> bool:
        """False: what is refused for that is told in so many words."""
        return False

    def comparable(self, body: Body) -> str:
        """Return the body in the form in which look-ups compare it."""
        pictures = [picture["media_fbid"] for picture in body.get("attached_media") or []]
        return comparable(body.get("message") or "", pictures)

    def recent(
        self, credentials: Credentials, remote_id: str, since: datetime, bodies: Sequence[Body]
    ) -> list[SeenPost]:
        """Read ``/{page}/published_posts``, newest first, until it is older than ``since``.

        :raises LookUpFailed: no usable answer, or more pages than MAX_PAGES.
        :raises LookUpRefused: a permission is missing, or the Page is gone.
        :raises TokenRefused: the token is dead.
        """
        since = since.replace(microsecond=0)  # Facebook tells moments in whole seconds
        with known_shape():
            found = [
                self._seen(post)
                for page in self._pages(credentials, remote_id, since)
                for post in page
                if post.get("is_published") is not False
            ]
            mine = [post for post in found if post.created_at is None or post.created_at >= since]
            mine.reverse()  # they come newest first, and many may share a second
            return sorted(mine, key=lambda post: post.created_at or since)

    def _pages(
        self, credentials: Credentials, remote_id: str, since: datetime
    ) -> Iterator[list[dict[str, Any]]]:
        query = {"fields": POST_FIELDS, "limit": "100"}
        ends_at = time.monotonic() + LOOK_UP_TIMEOUT
        for _ in range(MAX_PAGES):
            left = ends_at - time.monotonic()
            if left <= 0:
                break
            path = f"{remote_id}/published_posts"
            page = reading_of(self._graph.read(path, _token(credentials), query, left))
            yield page["data"]
            moments = [moment_in(post["created_time"]) for post in page["data"]]
            onward = next_page(page)
            if onward is None or (moments and max(moments) < since):
                return
            query |= onward
        raise LookUpFailed("the list of posts is too long to read")

    def _seen(self, post: Mapping[str, Any]) -> SeenPost:
        return SeenPost(
            remote_id=post["id"],
            url=link_to(post, self._site),
            created_at=moment_in(post["created_time"]),
            comparable=comparable(post.get("message") or "", pictures_in(post)),
        )


def _first_link(written: str) -> str | None:
    """Return what the preview is of: the first address that was written as one, in full.

    A bare ``example.com`` may be no address at all, and Facebook refuses a post with a link that
    leads nowhere.
    """
    spelt_out = (
        url
        for start, _, url in addresses_in(written)
        if written[start : start + 8].lower().startswith(("http://", "https://"))
    )
    return next(spelt_out, None)


def _token(credentials: Credentials) -> str:
    return str(credentials.get("access_token") or "")


def _upload_failure(outcome: Outcome) -> Exception:
    detail = outcome.detail or ""
    if outcome.kind == OutcomeKind.AUTH:
        return TokenRefused(detail)
    if outcome.kind == OutcomeKind.REJECTED:
        return UploadRefused(outcome.code or "rejected", detail)
    return LookUpFailed(detail, outcome.retry_after)
