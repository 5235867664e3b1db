"""Look-ups: a Page's own posts, as Facebook lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app.networks.base import LOOK_UP_SECONDS, MAX_PAGES, Credentials, SeenPost
from app.networks.facebook.client import Graph
from app.networks.facebook.responses import link_to
from app.networks.facebook.text import comparable
from app.networks.oauth import token_of
from app.networks.responses import known_shape, moment_in

POST_FIELDS = "id,message,created_time,permalink_url,attachments,is_published"


def recent(
    graph: Graph, credentials: Credentials, page_id: str, since: datetime, site_url: str
) -> list[SeenPost]:
    """Return the posts since then, oldest first.

    :raises LookUpFailed: no usable response, no time for all of them, or more than MAX_PAGES.
    :raises LookUpRefused: a permission is missing, or the Page is gone.
    :raises TokenRefused: the token is dead.
    """
    since = since.replace(microsecond=0)  # Facebook gives moments in whole seconds
    with known_shape():
        found = [
            _seen(post, site_url)
            for posts in _pages(graph.within(LOOK_UP_SECONDS), credentials, page_id, since)
            for post in posts
            if post.get("is_published") is not False
        ]
        mine = [post for post in found if post.created_at is None or post.created_at >= since]
        mine.reverse()  # they come newest first, and several may share a second
        return sorted(mine, key=lambda post: post.created_at or since)


def _pages(
    graph: Graph, credentials: Credentials, page_id: str, since: datetime
) -> Iterator[list[dict[str, Any]]]:
    """Yield ``/{page}/published_posts``, newest first, until they are older than ``since``."""
    path, token = f"{page_id}/published_posts", token_of(credentials)
    query = {"fields": POST_FIELDS, "limit": "100"}
    for page in graph.pages(path, token, query, MAX_PAGES):
        yield page["data"]
        moments = [moment_in(post["created_time"]) for post in page["data"]]
        if moments and max(moments) < since:
            return


def _seen(post: Mapping[str, Any], site_url: str) -> SeenPost:
    return SeenPost(
        remote_id=post["id"],
        url=link_to(post, site_url),
        created_at=moment_in(post["created_time"]),
        comparable=comparable(post.get("message") or "", _picture_ids_in(post)),
    )


def _picture_ids_in(post: Mapping[str, Any]) -> Iterator[str]:
    """Yield the id of each picture of a post; an album has them one level deeper."""
    for attachment in (post.get("attachments") or {}).get("data") or []:
        inner = (attachment.get("subattachments") or {}).get("data") or [attachment]
        for picture in inner:
            target = (picture.get("target") or {}).get("id")
            if target:
                yield str(target)
