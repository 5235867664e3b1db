"""Reading an account's past at X, where each thing that is returned costs money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from app.networks.base import LOOK_UP_SECONDS, Credentials
from app.networks.errors import CursorLost, LookUpFailed
from app.networks.history import Asked, HistoryPage, Numbers, PastItem, ReadKind
from app.networks.http import Response
from app.networks.responses import known_shape, list_in, told_moment
from app.networks.x.client import XApi
from app.networks.x.posts import page_of
from app.networks.x.responses import past_of, problem_of, rest_after
from app.networks.x.text import readable

PRICES = {ReadKind.POSTS: 0.001, ReadKind.LIKES: 0.001, ReadKind.FOLLOWS: 0.010}
"""US dollars for each thing that is returned."""
PAGES = {ReadKind.POSTS: (5, 100), ReadKind.LIKES: (5, 100), ReadKind.FOLLOWS: (1, 1_000)}
"""How many things a page has: at least, and at most."""
NUMBERS_AT_ONCE = 100

_PATHS = {ReadKind.POSTS: "tweets", ReadKind.LIKES: "liked_tweets", ReadKind.FOLLOWS: "following"}
_TWEET_FIELDS = "created_at,entities,note_tweet,public_metrics,referenced_tweets"
_FIELDS: Mapping[ReadKind, Mapping[str, str]] = {
    ReadKind.POSTS: {"tweet.fields": _TWEET_FIELDS, "exclude": "retweets"},
    ReadKind.LIKES: {"tweet.fields": f"{_TWEET_FIELDS},author_id", "expansions": "author_id"},
    ReadKind.FOLLOWS: {"user.fields": "description"},
}


def history(
    api: XApi, credentials: Credentials, remote_id: str, asked: Asked, site_url: str
) -> HistoryPage:
    """Read a page. Posts that are known are not asked for, so they are not charged again.

    :raises LookUpFailed: no usable response, ``unanswered`` where that was charged all the same;
        CursorLost, where X no longer knows the cursor.
    :raises LookUpRefused: reading is not allowed, or not paid for.
    :raises TokenRefused: 401.
    """
    path = f"/2/users/{remote_id}/{_PATHS[asked.kind]}"
    response = api.within(LOOK_UP_SECONDS).read(path, _query_of(asked), credentials=credentials)
    if response.status == 400 and asked.cursor is not None:
        raise CursorLost(problem_of(response))
    with _charged(response), known_shape():
        page = past_of(response)
        found = list_in(page.get("data", []))
        following = (page.get("meta") or {}).get("next_token")
        return HistoryPage(
            items=tuple(_items(asked.kind, page, found, site_url)),
            following=str(following) if following else None,
            returned=len(found),
            newest_id=_newest_in(found) if asked.kind == ReadKind.POSTS else None,
            rest_s=rest_after(response),
        )


def _newest_in(found: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the largest id. An edited post is kept under another one, which is older."""
    return max((str(one["id"]) for one in found), key=int, default=None)


def numbers(api: XApi, credentials: Credentials, remote_ids: Sequence[str]) -> dict[str, Numbers]:
    """Return how posts were answered, by id. Each that is still there is charged like a read.

    Raises what ``history`` raises.
    """
    query = {"ids": ",".join(remote_ids), "tweet.fields": "public_metrics"}
    response = api.within(LOOK_UP_SECONDS).read("/2/tweets", query, credentials=credentials)
    with _charged(response), known_shape():
        found = list_in(past_of(response).get("data", []))
        return {str(post["id"]): _numbers_in(post) for post in found}


@contextmanager
def _charged(response: Response) -> Iterator[None]:
    """Say of a response that cannot be read whether X has charged what was in it."""
    try:
        yield
    except LookUpFailed as failure:
        failure.unanswered = 200 <= response.status < 300
        raise


def _query_of(asked: Asked) -> dict[str, str]:
    least, most = PAGES[asked.kind]
    wanted = most if asked.most is None else max(least, min(most, asked.most))
    query = {"max_results": str(wanted), **_FIELDS[asked.kind]}
    if asked.kind == ReadKind.POSTS and asked.newest_id is not None:
        query["since_id"] = asked.newest_id
    if asked.cursor is not None:
        query["pagination_token"] = asked.cursor
    return query


def _items(
    kind: ReadKind, page: Mapping[str, Any], found: Sequence[Mapping[str, Any]], site_url: str
) -> list[PastItem]:
    if kind == ReadKind.FOLLOWS:
        return [_followed(user, site_url) for user in found]
    users = (page.get("includes") or {}).get("users") or []
    names = {str(user["id"]): user["username"] for user in users}
    own = kind == ReadKind.POSTS
    posts = [post for post in found if not (own and _is_repost(post))]
    return [_post(post, names, site_url) for post in posts]


def _post(post: Mapping[str, Any], names: Mapping[str, str], site_url: str) -> PastItem:
    """Return a post. One that was edited keeps the id under which it was published: its first."""
    whole = post.get("note_tweet") or post.get("note_post") or post
    entities = whole.get("entities") or post.get("entities") or {}
    versions = post.get("edit_history_tweet_ids") or post.get("edit_history_post_ids")
    return PastItem(
        remote_id=min(map(str, list_in(versions or [post["id"]])), key=int),
        text=readable(whole.get("text") or post.get("text") or "", entities.get("urls") or []),
        author=names.get(str(post.get("author_id")), ""),
        url=page_of(site_url, str(post["id"])),
        created_at=told_moment(post.get("created_at")),
        numbers=_numbers_in(post),
    )


def _followed(user: Mapping[str, Any], site_url: str) -> PastItem:
    return PastItem(
        remote_id=user["id"],
        text=str(user.get("description") or ""),
        author=user["username"],
        url=f"{site_url}/" + user["username"],
    )


def _is_repost(post: Mapping[str, Any]) -> bool:
    referenced = post.get("referenced_tweets") or post.get("referenced_posts") or []
    return any(other.get("type") in {"retweeted", "reposted"} for other in referenced)


def _numbers_in(post: Mapping[str, Any]) -> Numbers:
    told = post.get("public_metrics") or {}
    reposts = told.get("retweet_count", told.get("repost_count"))
    return Numbers.told(told.get("like_count"), reposts, told.get("reply_count"))
