"""What Facebook's answers to a read mean, and what to think of one that has an unknown shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app import words
from app.networks import text
from app.networks.base import LookUpFailed, LookUpRefused, Profile, TokenRefused
from app.networks.facebook_answers import (
    BAD_PARAMETER,
    DEAD_TOKEN,
    NO_PERMISSION,
    NO_SUCH_OBJECT,
    code_of,
    problem_of,
    subcode_of,
)
from app.networks.http import Answer

_PERSON = re.compile(r"[!-~]{1,100}")
_OURS = {"access_token", "appsecret_proof"}
"""What stands in a link of Facebook's and is sent in our own way."""


def reading_of(answer: Answer) -> dict[str, Any]:
    """Return the JSON of a read that worked.

    :raises LookUpFailed: no usable answer.
    :raises LookUpRefused: a permission is missing, or the Page is gone for us.
    :raises TokenRefused: the token is dead.
    """
    if answer.status == 200 and isinstance(answer.data, dict) and "error" not in answer.data:
        return answer.data
    code = code_of(answer)
    if answer.status < 500 and code in DEAD_TOKEN:
        raise TokenRefused(problem_of(answer))
    is_gone = (code, subcode_of(answer)) == (BAD_PARAMETER, NO_SUCH_OBJECT)
    if answer.status < 500 and (code in NO_PERMISSION or is_gone):
        raise LookUpRefused(problem_of(answer))
    raise LookUpFailed(problem_of(answer))


def moment_in(words: str) -> datetime:
    """Return a moment such as ``2026-11-21T12:00:00+0000``; ValueError for one without a zone."""
    moment = datetime.fromisoformat(words)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


def id_in(data: Any) -> str | None:
    """Return the id of a create answer: a text of any shape, or a number."""
    return words.identifier(data.get("id")) if isinstance(data, dict) else None


def person_in(data: Mapping[str, Any], name: str) -> str:
    """Return the id of a person that an answer names, "" for none that can be read."""
    found = id_in({"id": data.get(name)}) or ""
    return found if _PERSON.fullmatch(found) else ""


def link_to(post: Mapping[str, Any], site: str) -> str:
    """Return a post's page; Facebook answers some without a host, others not at all."""
    link = post.get("permalink_url")
    if isinstance(link, str) and link.startswith("/") and not link.startswith("//"):
        link = f"{site}{link}"
    found = words.web_address(link)
    return found if found.startswith(("https://", f"{site}/")) else f"{site}/{id_in(post)}"


def next_page(page: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what to add to the query to get the page that follows; None after the last one.

    Never ``paging.next`` itself: it is a whole URL, and carries the token in its query.
    """
    paging = page.get("paging") or {}
    link = paging.get("next")
    if not link:
        return None
    after = (paging.get("cursors") or {}).get("after")
    told = {"after": str(after)} if after else dict(parse_qsl(urlsplit(link).query))
    onward = {name: value for name, value in told.items() if name not in _OURS}
    if not onward:
        raise ValueError("a next page without a way to it")
    return onward


def profile_of(page: Mapping[str, Any]) -> Profile:
    """Return who a Page is. One without a name of its own is known by its number."""
    picture = page.get("picture") or {}
    return Profile(
        remote_id=page["id"],
        handle=words.line(page.get("username")) or words.identifier(page["id"]) or "",
        display_name=page.get("name") or "",
        avatar_url=(picture.get("data") or {}).get("url") or "",
    )


def comparable(message: str, pictures: Iterable[str]) -> str:
    """Return the form in which what was sent and what Facebook shows are equal.

    The message alone where there is one; a post of pictures only is told by their ids.
    """
    return text.clean(message) or "pictures " + ",".join(sorted(pictures))


def pictures_in(post: Mapping[str, Any]) -> Iterator[str]:
    """Yield the id of each picture of a post; an album has them one level deeper."""
    for attachment in (post.get("attachments") or {}).get("data") or []:
        inner = (attachment.get("subattachments") or {}).get("data") or [attachment]
        for picture in inner:
            target = (picture.get("target") or {}).get("id")
            if target:
                yield str(target)
