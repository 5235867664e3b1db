"""The account's own posts, as a look-up reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from requests.utils import parse_header_links

from app import words
from app.networks import mastodon_text
from app.networks.base import LookUpFailed, LookUpRefused, SeenPost, TokenRefused
from app.networks.http import Answer
from app.networks.mastodon_answers import NOT_OFFERED, id_in, reading_of
from app.networks.mastodon_calls import Server, segment
from app.networks.mastodon_readings import is_page
from app.networks.mastodon_sign_in import APP_NAME

MAX_PAGES = 8
PAGE = 40
MARKUP = 60
"""How much longer the HTML of a post may be than its words: many short links."""
LEEWAY = 2_000
SHORT = 20
"""A list with fewer posts than servers give unasked was not cut."""


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
        moments = [moment for status in page if (moment := created_at(status))]
        if after is None or (moments and min(moments) < since):
            return
        query["max_id"] = after
    raise LookUpFailed("the list of posts is too long to read")


def created_at(status: Mapping[str, Any]) -> datetime | None:
    """Return when a post was made, None when the server does not say; UTC without a zone."""
    told = status.get("created_at")
    if not told:
        return None
    moment = datetime.fromisoformat(told)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seen(
    server: Server, token: str, status: Mapping[str, Any], wanted: Collection[str]
) -> SeenPost:
    """Return a post as it is compared.

    :param wanted: what is looked for. A post whose HTML is none of it is asked for its source.
    """
    pictures = [
        str(words.identifier(media["id"])) for media in status.get("media_attachments") or []
    ]
    remote_id = id_in(status)
    if remote_id is None:
        raise ValueError("a post without an id")
    longest = max(map(len, wanted), default=0)
    content = status.get("content") or ""
    if len(content) > MARKUP * longest + LEEWAY:
        content = ""
    found = _comparable(mastodon_text.plain(content), pictures, longest)
    if found not in wanted and (source := _source_of(server, token, remote_id)):
        found = _comparable(source, pictures, longest)
    answered = status.get("in_reply_to_id")
    return SeenPost(
        remote_id=remote_id,
        url=link_to(status, server),
        created_at=created_at(status),
        comparable=found,
        in_reply_to=None if answered is None else str(answered),
        reference={"id": remote_id},
    )


def _comparable(written: str, pictures: Collection[str], longest: int) -> str:
    """Return the form that is compared; "" for what is far longer than all that is looked for.

    Finding links takes its time, and a server may send millions of them.
    """
    if len(written) > 2 * longest + LEEWAY:
        return ""
    return mastodon_text.comparable(written, pictures)


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


def _source_of(server: Server, token: str, status_id: str) -> str:
    """Return what was typed, nothing where the server does not tell (Mastodon before 3.5)."""
    answer = server.read(f"/api/v1/statuses/{segment(status_id)}/source", token=token)
    if answer.status in NOT_OFFERED:
        return ""
    try:
        return str(reading_of(answer).get("text") or "")
    except (LookUpRefused, TokenRefused):
        return ""


def _next_page(answer: Answer, page: list[dict[str, Any]]) -> str | None:
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
