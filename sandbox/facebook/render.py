"""Pages, people's pictures and posts as the Graph API shows them."""

from datetime import UTC, datetime
from typing import Any

from flask import request

from sandbox.facebook.records import Page, Post
from sandbox.facebook.state import FacebookState


def page_json(page: Page) -> dict[str, Any]:
    """A Page as the Graph API knows it."""
    return {
        "id": page.id,
        "name": page.name,
        "username": page.handle,
        "picture": picture_json(page.handle),
        "link": f"{request.host_url}{page.handle}",
        "category": "Community",
    }


def picture_json(handle: str) -> dict[str, Any]:
    """The avatar of a person or a Page."""
    url = f"{request.host_url}i/avatar/{handle}.png"
    return {"data": {"height": 50, "is_silhouette": False, "url": url, "width": 50}}


def post_json(state: FacebookState, post: Post) -> dict[str, Any]:
    """``post`` as the Graph API knows it; what it lacks is None."""
    page = state.page_by_id(post.page_id)
    return {
        "id": post.id,
        "message": post.message or None,
        "created_time": _time(post.created_at),
        "updated_time": _time(post.edited_at or post.created_at),
        "permalink_url": f"{request.host_url}{post.page_id}/posts/{post.id.partition('_')[2]}",
        "is_published": True,
        "attachments": _attachments(post),
        "from": {"id": page.id, "name": page.name},
        "shares": {"count": post.reposts} if post.reposts else None,
        "likes": _edge(post.likes),
        "reactions": _edge(post.likes),
        "comments": _edge(post.replies),
    }


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _edge(total: int) -> dict[str, Any]:
    """Who did it is not told, only how many, to whoever asks for the ``summary``."""
    return {"data": [], "summary": {"total_count": total}}


def _attachments(post: Post) -> dict[str, Any] | None:
    pictures = [{"type": "photo", "target": {"id": photo_id}} for photo_id in post.photos]
    if len(pictures) > 1:
        album = {"type": "album", "target": {"id": post.id}}
        return {"data": [album | {"subattachments": {"data": pictures}}]}
    if post.link is not None:
        return {"data": [{"type": "share", "url": post.link}]}
    return {"data": pictures} if pictures else None
