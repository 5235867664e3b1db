"""People, posts and pictures as Mastodon's API shows them."""

import hashlib
import re
from typing import Any

from flask import request

from sandbox.control import Like
from sandbox.core import iso
from sandbox.mastodon.records import Media, Person, Status
from sandbox.mastodon.state import MastodonState
from sandbox.mastodon.text import ELSEWHERE, full_mentions, hashtags, html_of, mentioned

_PICTURE_LINK = re.compile(r"https?://\S+\.(?:jpe?g|png|gif|webp)\b", re.IGNORECASE)


def account_json(person: Person) -> dict[str, Any]:
    """A person."""
    avatar = f"{request.host_url}i/avatar/{person.handle}.png"
    return {
        "id": person.id,
        "username": person.handle,
        "acct": person.handle,
        "display_name": person.name,
        "url": f"{request.host_url}@{person.handle}",
        "uri": f"{request.host_url}users/{person.handle}",
        "avatar": avatar,
        "avatar_static": avatar,
        "created_at": iso(person.created_at),
        "locked": False,
        "bot": False,
    }


def status_json(state: MastodonState, status: Status, reader: Person) -> dict[str, Any]:
    """A post; only its author sees from which app it came."""
    author = state.author(status)
    parent = state.posts.find(status.in_reply_to) if status.in_reply_to else None
    shown: dict[str, Any] = {
        "id": status.id,
        "uri": f"{request.host_url}users/{author.handle}/statuses/{status.id}",
        "url": f"{request.host_url}@{author.handle}/{status.id}",
        "created_at": iso(status.created_at),
        "edited_at": None if status.edited_at is None else iso(status.edited_at),
        "account": account_json(author),
        "content": html_of(kept_of(state, status.text), request.host_url),
        "visibility": status.visibility,
        "sensitive": status.sensitive or bool(status.spoiler),
        "spoiler_text": status.spoiler,
        "language": status.language,
        "in_reply_to_id": status.in_reply_to,
        "in_reply_to_account_id": parent.person_id if parent else None,
        "reblog": None,
        "media_attachments": _attachments(state, status),
        **_shared(status.text, status.likes, status.reposts, status.replies),
        "poll": _poll_json(status),
    }
    app = state.tokens.app(status.client_id)
    if reader.id == author.id and app is not None:
        shown["application"] = {"name": app.name, "website": app.website or None}
    return shown


def _poll_json(status: Status) -> dict[str, Any] | None:
    if status.poll is None:
        return None
    return {
        "id": status.id,
        "expires_at": iso(status.created_at + status.poll["expires_in"]),
        "expired": False,
        "multiple": status.poll["multiple"],
        "votes_count": 0,
        "options": [{"title": one, "votes_count": 0} for one in status.poll["options"]],
    }


def _shared(text: str, likes: int, reposts: int, replies: int) -> dict[str, Any]:
    """What a text and the numbers give, whoever wrote it."""
    return {
        "mentions": [_mention_json(name, host) for name, host in mentioned(text)],
        "tags": [{"name": tag, "url": f"{request.host_url}tags/{tag}"} for tag in hashtags(text)],
        "poll": None,
        "favourites_count": likes,
        "reblogs_count": reposts,
        "replies_count": replies,
    }


def _mention_json(name: str, host: str) -> dict[str, str]:
    acct, url = f"{name}@{host}", f"https://{host}/@{name}"
    return {"id": _stable_id(acct), "username": name, "acct": acct, "url": url}


def remote_account_json(handle: str, name: str) -> dict[str, Any]:
    """An account of another server."""
    home = f"https://{ELSEWHERE}/"
    return {
        "id": _stable_id(handle),
        "username": handle,
        "acct": f"{handle}@{ELSEWHERE}",
        "display_name": name,
        "url": f"{home}@{handle}",
        "uri": f"{home}users/{handle}",
        "avatar": f"{home}avatars/{handle}.png",
        "avatar_static": f"{home}avatars/{handle}.png",
        "created_at": iso(0),
        "locked": False,
        "bot": False,
    }


def liked_json(like: Like) -> dict[str, Any]:
    """A post of another server that somebody favourited; one without text is a picture."""
    key, text = f"{like.handle} {like.created_at}", full_mentions(like.text)
    number, home = _stable_id(key), f"https://{ELSEWHERE}/"
    picture = {
        "id": _stable_id(f"{key} picture"),
        "type": "image",
        "url": f"{home}media/{number}.png",
        "preview_url": f"{home}media/{number}.png",
        "description": "A picture of the past",
        "meta": {},
    }
    return {
        "id": number,
        "uri": f"{home}users/{like.handle}/statuses/{number}",
        "url": f"{home}@{like.handle}/{number}",
        "created_at": iso(like.created_at),
        "edited_at": None,
        "account": remote_account_json(like.handle, like.name),
        "content": html_of(text, home),
        "visibility": "public",
        "sensitive": False,
        "spoiler_text": "",
        "language": "en",
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "reblog": None,
        "favourited": True,
        "media_attachments": [] if text else [picture],
        **_shared(text, like.likes, like.reposts, like.replies),
    }


def _stable_id(key: str) -> str:
    """An id that is always the same for the same thing, as a decimal string."""
    return str(int.from_bytes(hashlib.sha256(key.encode()).digest()[:7]))


def kept_of(state: MastodonState, text: str) -> str:
    """A text as this server keeps and shows it."""
    if state.settings.drops_invisible:
        text = text.replace("\u200d", "").replace("\ufe0f", "")
    if state.settings.escapes_quotes:
        text = text.replace('"', "&#34;").replace("'", "&#39;")
    return text


def _attachments(state: MastodonState, status: Status) -> list[dict[str, Any]]:
    shown = [
        media_json(media, ready=True)
        for one in status.media
        if (media := state.posts.media(one)) is not None
    ]
    if state.settings.renames_media:
        shown = [{**media, "id": f"{status.id}{place}"} for place, media in enumerate(shown)]
    if state.settings.attaches_links:
        links = _PICTURE_LINK.findall(status.text)
        shown += [
            {"id": f"{status.id}9{place}", "type": "image", "url": link, "description": None}
            for place, link in enumerate(links)
        ]
    return shown


def media_json(media: Media, ready: bool) -> dict[str, Any]:
    """A picture; without an address while it is being processed."""
    return {
        "id": media.id,
        "type": "gifv" if media.moves else "image",
        "url": f"{request.host_url}i/media/{media.id}" if ready else None,
        "preview_url": f"{request.host_url}i/media/{media.id}" if ready else None,
        "description": media.description or None,
        "meta": {},
    }
