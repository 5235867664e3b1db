"""What X's answers to a read mean, and what to think of one that has an unknown shape."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.networks import text
from app.networks.base import LookUpFailed, LookUpRefused, Profile, SeenPost, TokenRefused
from app.networks.http import Answer
from app.networks.x_answers import problem_of

LONGEST = 30_000
"""Characters of a post that are looked at; the longest that X takes has 25,000."""


def reading_of(answer: Answer) -> dict[str, Any]:
    """Return the JSON of a read that worked; it has ``data``, ``meta`` or both.

    :raises LookUpFailed: no usable answer.
    :raises LookUpRefused: reading is not allowed (402, 403, 404).
    :raises TokenRefused: 401.
    """
    if (
        answer.status == 200
        and isinstance(answer.data, dict)
        and {"data", "meta"} & set(answer.data)
    ):
        return answer.data
    if answer.status == 401:
        raise TokenRefused(problem_of(answer))
    if answer.status in {402, 403, 404}:
        raise LookUpRefused(problem_of(answer))
    raise LookUpFailed(problem_of(answer))


def profile_of(user: Mapping[str, Any]) -> Profile:
    """Return who this is; raises KeyError or ValueError for another shape."""
    name, avatar = user.get("name") or "", user.get("profile_image_url") or ""
    return Profile(user["id"], user["username"], name, avatar)


def moment_in(text: str) -> datetime:
    """Return an RFC 3339 moment; raise ValueError for one without a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


def seen(post: Mapping[str, Any], site: str) -> SeenPost:
    """Return a post of the timeline as it is compared."""
    whole = post.get("note_tweet") or post.get("note_post") or post
    entities = whole.get("entities") or post.get("entities") or {}
    created = post.get("created_at")
    return SeenPost(
        remote_id=post["id"],
        url=f"{site}/i/web/status/{post['id']}",
        created_at=moment_in(created) if created else None,
        comparable=text.comparable_found(
            (whole.get("text") or post.get("text") or "")[:LONGEST],
            (entities.get("urls") or [])[:LONGEST],
        ),
        in_reply_to=_parent_of(post),
        reference={"id": str(post["id"])},
    )


def _parent_of(post: Mapping[str, Any]) -> str | None:
    """Return the id of the post that this one answers."""
    referenced = post.get("referenced_tweets") or post.get("referenced_posts") or []
    parents = (str(other["id"]) for other in referenced if other.get("type") == "replied_to")
    return next(parents, None)
