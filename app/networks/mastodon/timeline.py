"""Look-ups: reading the account's own posts back, and what they prove."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests.utils import parse_header_links

from app.networks.base import ALL_LOOK_UPS, LOOK_UP_SECONDS, MAX_PAGES, Body, Credentials, SeenPost
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.http import Response
from app.networks.mastodon.auth import APP_NAME
from app.networks.mastodon.client import Server, segment
from app.networks.mastodon.matching import Likeness, Shown, Sought, likeness, name_of, sought_of
from app.networks.mastodon.responses import (
    MAX_READ_REST_SECONDS,
    NOT_OFFERED,
    RESERVED_CALLS,
    calls_left,
    link_to,
    reading_of,
    wait_in,
)
from app.networks.oauth import token_of
from app.networks.responses import id_in, known_shape

KEY_LIFE = timedelta(minutes=50)
"""A server forgets a key after an hour; the last try may take a while to arrive."""
KEY_REST_SECONDS = 30.0
"""Before a key is used again: the server may still be at work on the first call."""
PAGE_POSTS = 40
MAX_SOURCES = 2_000
SHORT_PAGE_POSTS = 20
"""A page with fewer posts is the whole list: servers give so many without being asked."""

_sources: OrderedDict[tuple[str, str, str], str] = OrderedDict()
_sources_lock = threading.Lock()


def look_ups_before_resend(
    credentials: Credentials, delays: Sequence[float], first_sent_at: datetime
) -> int:
    """Return how many empty look-ups allow a second send.

    Mastodon itself gives the first post back when the same key comes again: two, or as many as it
    takes to leave the first call time to end. Other servers, and Mastodon once it may have
    forgotten the key: all there are.

    :param delays: seconds from the lost call to each look-up.
    """
    is_late = datetime.now(UTC) - first_sent_at > KEY_LIFE
    if credentials.get("software") != "mastodon" or is_late:
        return ALL_LOOK_UPS
    rested = (count for count, delay in enumerate(delays, 1) if delay >= KEY_REST_SECONDS)
    return max(2, next(rested, len(delays)))


def lacks_parent(server: Server, token: str, body: Body) -> bool:
    """Whether the post that this one answers is gone: some servers answer 500 then.

    :raises LookUpFailed: no response.
    """
    parent = body.get("in_reply_to_id")
    if parent is None:
        return False
    path = f"/api/v1/statuses/{segment(str(parent))}"
    return server.within(LOOK_UP_SECONDS).read(path, token=token).status in {404, 410}


def recent(
    server: Server,
    credentials: Credentials,
    account_id: str,
    since: datetime,
    bodies: Sequence[Body],
) -> list[SeenPost]:
    """Return the account's own posts that were made since then, oldest first.

    :param bodies: what is looked for.
    :raises LookUpFailed: no usable response, or no time for all of them.
    :raises LookUpRefused: a permission is missing, or the account is gone.
    :raises TokenRefused: the token is dead.
    """
    server, token = server.within(LOOK_UP_SECONDS), token_of(credentials)
    is_mastodon = credentials.get("software") == "mastodon"
    sought = sought_of(bodies)
    since = since.replace(microsecond=0)  # some servers tell moments in whole seconds
    with known_shape():
        found = [
            post
            for page in pages_of(server, token, account_id, since)
            for status in page
            if (created_at(status) or since) >= since
            and not status.get("reblog")
            and not (is_mastodon and is_anothers(status))
            for post in seen(server, token, status, sought)
        ]
        found.reverse()  # they come newest first, and several may share a moment
        return sorted(found, key=lambda post: post.created_at or since)


def pages_of(
    server: Server, token: str, account_id: str, since: datetime
) -> Iterator[list[dict[str, Any]]]:
    """Yield the account's own posts, newest first, until they are older than ``since``.

    :raises LookUpFailed: no usable response, or more pages than MAX_PAGES.
    """
    path = f"/api/v1/accounts/{segment(account_id)}/statuses"
    query = {"limit": str(PAGE_POSTS), "exclude_reblogs": "true"}
    for _ in range(MAX_PAGES):
        response = server.read(path, query, token=token)
        page = reading_of(response)
        if not isinstance(page, list):
            raise LookUpFailed("the list of posts is no list")
        after = _next_page(response, page)
        if after is not None and after == query.get("max_id"):
            if len(page) < SHORT_PAGE_POSTS:
                return  # this server gives the same page again: it is all there is
            break
        yield page
        _leave_room(response)
        moments = [moment for status in page if (moment := created_at(status))]
        if after is None or (moments and min(moments) < since):
            return
        query["max_id"] = after
    raise LookUpFailed("the list of posts is too long to read")


def _leave_room(response: Response) -> None:
    """Leave the last calls of an allowance to publishing.

    :raises LookUpFailed: few are left; its ``retry_after`` says when there are more.
    """
    left, wait = calls_left(response), wait_in(response)
    is_short = left is not None and left < RESERVED_CALLS
    if is_short and wait is not None and wait <= MAX_READ_REST_SECONDS:
        raise LookUpFailed("few calls are left", wait)


def created_at(status: Mapping[str, Any]) -> datetime | None:
    """Return when a post was made, None when the server does not say; UTC without a zone."""
    told = status.get("created_at")
    if not told:
        return None
    moment = datetime.fromisoformat(told)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seen(
    server: Server, token: str, status: Mapping[str, Any], sought: Sequence[Sought]
) -> list[SeenPost]:
    """Return a post as it is compared: once for each body that it is, or looks like.

    One that is none of them comes under its own words.
    """
    remote_id = id_in(status)
    if remote_id is None:
        raise ValueError("a post without an id")
    moment = created_at(status)
    longest = max((max(len(one.words), len(one.warning)) for one in sought), default=0)
    shown = Shown.of(status, moment, longest)

    def source() -> str:
        return _source_of(server, token, remote_id, str(status.get("edited_at") or ""))

    found = {one.comparable: likeness(one, shown, source) for one in sought}
    alike = {name: how for name, how in found.items() if how is not Likeness.OTHER}
    answered = status.get("in_reply_to_id")
    return [
        SeenPost(
            remote_id=remote_id,
            url=link_to(status, server),
            created_at=moment,
            comparable=name,
            in_reply_to=None if answered is None else str(answered),
            reference={"id": remote_id},
            is_certain=how is Likeness.SAME,
        )
        for name, how in (alike or {name_of(shown): Likeness.SAME}).items()
    ]


def is_anothers(status: Mapping[str, Any]) -> bool:
    """Whether another app made this post. Only Mastodon itself tells that reliably."""
    name = (status.get("application") or {}).get("name")
    return bool(name) and name != APP_NAME


def _source_of(server: Server, token: str, status_id: str, edited_at: str) -> str:
    """Return what was typed, nothing where the server does not tell (Mastodon before 3.5)."""
    key = (server.url, status_id, edited_at)
    with _sources_lock:
        known = _sources.get(key)
    if known is not None:
        return known
    response = server.read(f"/api/v1/statuses/{segment(status_id)}/source", token=token)
    if response.status in NOT_OFFERED:
        return ""
    try:
        source = str(reading_of(response).get("text") or "")
    except (LookUpRefused, TokenRefused):
        return ""
    with _sources_lock:
        _sources[key] = source
        while len(_sources) > MAX_SOURCES:
            _sources.popitem(last=False)
    return source


def _next_page(response: Response, page: list[dict[str, Any]]) -> str | None:
    """Return what the next page begins after: the Link header's word, else the last id.

    Never the header's address itself, which may be another server's.
    """
    header = response.header("link")
    if not page:
        return None
    if not header:
        return id_in(page[-1])
    for link in parse_header_links(header):
        if link.get("rel") == "next":
            return parse_qs(urlsplit(link["url"]).query)["max_id"][0]
    return None
