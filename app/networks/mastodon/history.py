"""Reading an account's past at its server: own posts, favourites, followed accounts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

from requests.utils import parse_header_links

from app.networks.base import LOOK_UP_SECONDS
from app.networks.history import Asked, HistoryPage, Numbers, PastItem, ReadKind
from app.networks.http import Response
from app.networks.mastodon.client import Server, segment
from app.networks.mastodon.responses import link_to, page_at, reading_of, rest_after
from app.networks.mastodon.text import readable
from app.networks.responses import id_in, known_shape, list_in, told_moment

PAGES = {ReadKind.POSTS: 40, ReadKind.LIKES: 40, ReadKind.FOLLOWS: 80}
"""How many things a page has at most."""
GONE = {404, 410}
LETTER = "direct"
"""The visibility of what reaches only those whom it mentions: it was not posted, but sent."""


def history(server: Server, token: str, account_id: str, asked: Asked) -> HistoryPage:
    """Read a page.

    :raises LookUpFailed: no usable response.
    :raises LookUpRefused: a permission is missing, or the account is gone.
    :raises TokenRefused: the token is dead.
    """
    path, query = _path_of(asked.kind, account_id), _query_of(asked)
    response = server.within(LOOK_UP_SECONDS).read(path, query, token=token)
    with known_shape():
        found = list_in(reading_of(response))
        return HistoryPage(
            items=tuple(_items(asked.kind, found, server)),
            following=_following(response, server, path),
            returned=len(found),
            rest_s=rest_after(response),
        )


def numbers(server: Server, token: str, remote_ids: Sequence[str]) -> dict[str, Numbers]:
    """Return how posts were answered, by id. Raises what ``history`` raises."""
    server, found = server.within(LOOK_UP_SECONDS), {}
    for remote_id in remote_ids:
        response = server.read(f"/api/v1/statuses/{segment(remote_id)}", token=token)
        if response.status in GONE and isinstance(response.data, dict):
            continue
        with known_shape():
            found[remote_id] = _numbers_in(reading_of(response))
    return found


def _path_of(kind: ReadKind, account_id: str) -> str:
    if kind == ReadKind.LIKES:
        return "/api/v1/favourites"
    edge = "statuses" if kind == ReadKind.POSTS else "following"
    return f"/api/v1/accounts/{segment(account_id)}/{edge}"


def _query_of(asked: Asked) -> dict[str, str]:
    """Return the query of a page: what its cursor says, and what is ours."""
    most = PAGES[asked.kind]
    query = {"limit": str(most if asked.most is None else max(1, min(most, asked.most)))}
    if asked.kind == ReadKind.POSTS:
        query["exclude_reblogs"] = "true"
    return {**dict(parse_qsl(asked.cursor or "")), **query}


def _following(response: Response, server: Server, path: str) -> str | None:
    """Return the query to which ``Link`` leads on, which alone says where a page begins.

    :raises ValueError: it leads elsewhere, or to the beginning.
    """
    for link in parse_header_links(response.header("link") or ""):
        if link.get("rel") != "next":
            continue
        onward = urlsplit(urljoin(f"{server.url}{path}", link["url"]))
        if onward.netloc != server.host or unquote(onward.path) != unquote(path):
            raise ValueError("the next page is elsewhere")
        return urlencode(parse_qsl(onward.query))
    return None


def _items(
    kind: ReadKind, found: Sequence[Mapping[str, Any]], server: Server
) -> Iterator[PastItem]:
    if kind == ReadKind.FOLLOWS:
        yield from (_followed(account, server) for account in found)
    elif kind == ReadKind.LIKES:
        yield from (
            _post(status, server, _handle_of(status["account"], server)) for status in found
        )
    else:
        mine = (one for one in found if not one.get("reblog") and one.get("visibility") != LETTER)
        yield from (_post(status, server) for status in mine)


def _post(status: Mapping[str, Any], server: Server, author: str = "") -> PastItem:
    """Return a post; a warning in front of it is the beginning of its text."""
    words = [str(status.get("spoiler_text") or ""), readable(str(status.get("content") or ""))]
    return PastItem(
        remote_id=id_in(status) or "",
        text="\n\n".join(filter(None, words)),
        author=author,
        url=link_to(status, server),
        created_at=told_moment(status.get("created_at")),
        numbers=_numbers_in(status),
    )


def _followed(account: Mapping[str, Any], server: Server) -> PastItem:
    return PastItem(
        remote_id=id_in(account) or "",
        text=readable(str(account.get("note") or "")),
        author=_handle_of(account, server),
        url=page_at(account.get("url"), server),
    )


def _handle_of(account: Mapping[str, Any], server: Server) -> str:
    """Return the whole handle; a server leaves itself out of those of its own people."""
    name = str(account["acct"])
    return name if "@" in name else f"{name}@{server.host}"


def _numbers_in(status: Mapping[str, Any]) -> Numbers:
    names = ("favourites_count", "reblogs_count", "replies_count")
    return Numbers.told(*map(status.get, names))
