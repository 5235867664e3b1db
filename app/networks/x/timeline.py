"""Look-ups: the account's own posts, as X's timeline shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from app.networks.base import LOOK_UP_SECONDS, MAX_PAGES, Credentials, SeenPost
from app.networks.errors import LookUpFailed
from app.networks.responses import known_shape, moment_in
from app.networks.x.client import XApi
from app.networks.x.posts import page_of
from app.networks.x.responses import reading_of
from app.networks.x.text import comparable_found

MAX_POST_CHARACTERS = 30_000
"""As many characters of a post are looked at; the longest that X takes has 25,000."""


def recent(
    api: XApi, credentials: Credentials, remote_id: str, since: datetime, site_url: str
) -> list[SeenPost]:
    """Return the posts since then, oldest first.

    :raises LookUpFailed: no usable response, no time for all of them, or more than MAX_PAGES.
    :raises LookUpRefused: reading is not allowed (402, 403, 404).
    :raises TokenRefused: 401.
    """
    with known_shape():
        pages = _pages(api.within(LOOK_UP_SECONDS), credentials, remote_id, since)
        found = [_seen(post, site_url) for page in pages for post in page.get("data") or []]
        return sorted(found, key=lambda post: post.created_at or since)


def _pages(
    api: XApi, credentials: Credentials, remote_id: str, since: datetime
) -> Iterator[dict[str, Any]]:
    """Read ``/2/users/:id/tweets``, following ``next_token``: a busy account fills pages."""
    query = {
        "start_time": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "max_results": "100",
        "tweet.fields": "created_at,entities,referenced_tweets,attachments,note_tweet",
    }
    for _ in range(MAX_PAGES):
        path = f"/2/users/{remote_id}/tweets"
        page = reading_of(api.read(path, query, credentials=credentials))
        yield page
        token = (page.get("meta") or {}).get("next_token")
        if not token:
            return
        query["pagination_token"] = token
    raise LookUpFailed("the timeline is too long to read")


def _seen(post: Mapping[str, Any], site_url: str) -> SeenPost:
    """Return a post of the timeline in the form in which it is compared."""
    whole = post.get("note_tweet") or post.get("note_post") or post
    entities = whole.get("entities") or post.get("entities") or {}
    created = post.get("created_at")
    return SeenPost(
        remote_id=post["id"],
        url=page_of(site_url, post["id"]),
        created_at=moment_in(created) if created else None,
        comparable=comparable_found(
            (whole.get("text") or post.get("text") or "")[:MAX_POST_CHARACTERS],
            (entities.get("urls") or [])[:MAX_POST_CHARACTERS],
        ),
        in_reply_to=_parent_of(post),
        reference={"id": str(post["id"])},
    )


def _parent_of(post: Mapping[str, Any]) -> str | None:
    """Return the id of the post that this one replies to."""
    referenced = post.get("referenced_tweets") or post.get("referenced_posts") or []
    parents = (str(other["id"]) for other in referenced if other.get("type") == "replied_to")
    return next(parents, None)
