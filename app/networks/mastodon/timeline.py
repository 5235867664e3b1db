"""The account's own posts, as a look-up reads them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests.utils import parse_header_links

from app.networks.base import LookUpFailed, LookUpRefused, SeenPost, TokenRefused
from app.networks.http import Response
from app.networks.mastodon.auth import APP_NAME
from app.networks.mastodon.client import Server, segment
from app.networks.mastodon.matching import Likeness, Shown, Sought, likeness
from app.networks.mastodon.responses import (
    NOT_OFFERED,
    calls_left,
    id_in,
    is_page,
    reading_of,
    wait_in,
)

MAX_PAGES = 8
PAGE = 40
MAX_REST_SECONDS = 900.0
"""Seconds; a reset that is further away is of another allowance than reads have."""
RESERVE = 30
"""Calls of an account's allowance that look-ups leave to publishing."""
KEPT_SOURCES = 2_000
SHORT = 20
"""A list with fewer posts than servers give unasked was not cut."""

_sources: OrderedDict[tuple[str, str, str], str] = OrderedDict()
_reading = threading.Lock()


def pages_of(
    server: Server, token: str, account_id: str, since: datetime
) -> Iterator[list[dict[str, Any]]]:
    """Yield the account's own posts, newest first, until they are older than ``since``.

    :raises LookUpFailed: no usable answer, or more pages than MAX_PAGES.
    """
    path = f"/api/v1/accounts/{segment(account_id)}/statuses"
    query = {"limit": str(PAGE), "exclude_reblogs": "true"}
    for _ in range(MAX_PAGES):
        answer = server.read(path, query, token=token)
        page = reading_of(answer)
        if not isinstance(page, list):
            raise LookUpFailed("the list of posts is no list")
        after = _next_page(answer, page)
        if after is not None and after == query.get("max_id"):
            if len(page) < SHORT:
                return  # the same page, wherever it shall begin: it is all there is
            break
        yield page
        _leave_room(answer)
        moments = [moment for status in page if (moment := created_at(status))]
        if after is None or (moments and min(moments) < since):
            return
        query["max_id"] = after
    raise LookUpFailed("the list of posts is too long to read")


def _leave_room(answer: Response) -> None:
    """Rest until the reset when few calls are left: publishing goes first.

    :raises LookUpFailed: they are few, after so many seconds there are more.
    """
    left, wait = calls_left(answer), wait_in(answer)
    if left is not None and left < RESERVE and wait is not None and wait <= MAX_REST_SECONDS:
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
    longest = max((len(one.words) for one in sought), default=0)
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
        for name, how in (alike or {shown.words: Likeness.SAME}).items()
    ]


def is_anothers(status: Mapping[str, Any]) -> bool:
    """Whether another app made this post. Only Mastodon itself tells that reliably."""
    name = (status.get("application") or {}).get("name")
    return bool(name) and name != APP_NAME


def link_to(status: Mapping[str, Any], server: Server) -> str:
    """Return a post's page; the address that every Mastodon knows when the server tells none."""
    for name in ("url", "uri"):
        if is_page(status.get(name), server):
            return str(status[name])
    return f"{server.url}/web/statuses/{id_in(status)}"


def _source_of(server: Server, token: str, status_id: str, edited_at: str) -> str:
    """Return what was typed, nothing where the server does not tell (Mastodon before 3.5)."""
    key = (server.url, status_id, edited_at)
    with _reading:
        known = _sources.get(key)
    if known is not None:
        return known
    answer = server.read(f"/api/v1/statuses/{segment(status_id)}/source", token=token)
    if answer.status in NOT_OFFERED:
        return ""
    try:
        source = str(reading_of(answer).get("text") or "")
    except (LookUpRefused, TokenRefused):
        return ""
    with _reading:
        _sources[key] = source
        while len(_sources) > KEPT_SOURCES:
            _sources.popitem(last=False)
    return source


def _next_page(answer: Response, page: list[dict[str, Any]]) -> str | None:
    """Return what the next page begins after: the Link header's word, else the last id.

    Never the header's address itself, which may be another server's.
    """
    header = answer.header("link")
    if not page:
        return None
    if not header:
        return id_in(page[-1])
    for link in parse_header_links(header):
        if link.get("rel") == "next":
            return parse_qs(urlsplit(link["url"]).query)["max_id"][0]
    return None
