"""Reading a Page's own posts. Facebook tells nothing of what a Page likes or follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from app.networks.base import LOOK_UP_SECONDS, Credentials
from app.networks.errors import CursorLost, LookUpRefused
from app.networks.facebook.client import Graph
from app.networks.facebook.responses import (
    is_bad_cursor,
    is_gone,
    lacks_permission,
    link_to,
    next_page,
    past_of,
    problem_of,
)
from app.networks.facebook.usage import rest_after
from app.networks.history import Asked, HistoryPage, Numbers, PastItem, ReadKind
from app.networks.oauth import token_of
from app.networks.responses import known_shape, list_in, object_at, told_moment

PAGE_POSTS = 100
POST_FIELDS = "id,message,created_time,permalink_url,is_published"
NUMBER_FIELDS = "shares,likes.limit(0).summary(true),comments.limit(0).summary(true)"
WITH_NUMBERS = f"{POST_FIELDS},{NUMBER_FIELDS}"
"""Comments may need a permission that publishing does not; posts are read without them then."""


def history(
    graph: Graph, credentials: Credentials, page_id: str, asked: Asked, site_url: str
) -> HistoryPage:
    """Read a page of a Page's posts.

    :raises LookUpFailed: no usable response; CursorLost, where the cursor is no longer known.
    :raises LookUpRefused: a permission is missing, or there is no such list.
    :raises TokenRefused: the token is dead.
    """
    if asked.kind != ReadKind.POSTS:
        raise LookUpRefused("it has no such list")
    graph, token = graph.within(LOOK_UP_SECONDS), token_of(credentials)
    path = f"{page_id}/published_posts"
    response = graph.read(path, _query_of(asked, WITH_NUMBERS), token=token)
    if lacks_permission(response):
        response = graph.read(path, _query_of(asked, POST_FIELDS), token=token)
    if asked.cursor is not None and is_bad_cursor(response):
        raise CursorLost(problem_of(response))
    page = past_of(response)
    with known_shape():
        posts, onward = list_in(page["data"]), next_page(page)
        return HistoryPage(
            items=tuple(_items(posts, site_url)),
            following=None if onward is None else urlencode(onward),
            returned=len(posts),
            rest_s=rest_after(response),
        )


def numbers(
    graph: Graph, credentials: Credentials, remote_ids: Sequence[str]
) -> dict[str, Numbers]:
    """Return how posts were answered, by id. Raises what ``history`` raises.

    One call for each: of several at once, one that is gone hides the others.
    """
    graph, token = graph.within(LOOK_UP_SECONDS), token_of(credentials)
    found = {}
    for remote_id in remote_ids:
        asked = {"fields": f"id,{NUMBER_FIELDS}"}
        response = graph.read(quote(remote_id, safe=""), asked, token=token)
        with known_shape():
            if not is_gone(response):
                found[remote_id] = _numbers_in(past_of(response))
    return found


def _query_of(asked: Asked, fields: str) -> dict[str, str]:
    most = PAGE_POSTS if asked.most is None else max(1, min(PAGE_POSTS, asked.most))
    query = {"fields": fields, "limit": str(most)}
    return {**dict(parse_qsl(asked.cursor or "")), **query}


def _items(posts: Sequence[Mapping[str, Any]], site_url: str) -> Iterator[PastItem]:
    for post in posts:
        if post.get("is_published") is not False:
            yield PastItem(
                remote_id=post["id"],
                text=str(post.get("message") or ""),
                url=link_to(post, site_url),
                created_at=told_moment(post.get("created_time")),
                numbers=_numbers_in(post),
            )


def _numbers_in(post: Mapping[str, Any]) -> Numbers:
    """Return the numbers of a post, where they were told; what nobody shared has no ``shares``."""
    if "likes" not in post:
        return Numbers()
    likes, comments = (
        object_at(object_at(post, edge), "summary").get("total_count")
        for edge in ("likes", "comments")
    )
    return Numbers.told(likes, object_at(post, "shares").get("count", 0), comments)
