"""Reading an account's past from its own repository, and from the index what that leads to."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.networks.base import LOOK_UP_SECONDS, Credentials
from app.networks.bluesky.auth import token_of
from app.networks.bluesky.client import Server
from app.networks.bluesky.identity import is_did
from app.networks.bluesky.responses import (
    COLLECTION,
    page_of,
    problem_of,
    reading_of,
    reference_in,
    rest_after,
    word_in,
)
from app.networks.bluesky.timeline import read_public
from app.networks.errors import CursorLost, LookUpFailed, LookUpRefused
from app.networks.history import Asked, HistoryPage, Numbers, PastItem, ReadKind
from app.networks.http import Response
from app.networks.responses import known_shape, list_in, told_moment

COLLECTIONS = {
    ReadKind.POSTS: COLLECTION,
    ReadKind.LIKES: "app.bsky.feed.like",
    ReadKind.FOLLOWS: "app.bsky.graph.follow",
}
PAGE_RECORDS = 100
NUMBERS_AT_ONCE = 25
"""Posts, or people, that one call tells of."""

_POST = re.compile(rf"at://(?P<did>[^/\s]+)/{re.escape(COLLECTION)}/(?P<rkey>[^/\s]+)")


@dataclass
class _Reader:
    """The calls of one page, which together have LOOK_UP_SECONDS."""

    server: Server
    token: str
    site: str
    rest_s: float = field(default=0.0)

    def records(self, did: str, asked: Asked) -> dict[str, Any]:
        """Return a page of the repository. Raises LookUpFailed, LookUpRefused, TokenRefused."""
        most = PAGE_RECORDS if asked.most is None else max(1, min(PAGE_RECORDS, asked.most))
        query = {"repo": did, "collection": COLLECTIONS[asked.kind], "limit": str(most)}
        if asked.cursor is not None:
            query["cursor"] = asked.cursor
        response = read_public(self.server, "com.atproto.repo.listRecords", query, self.token)
        is_refused = response.status == 400 and word_in(response) == "InvalidRequest"
        if asked.cursor is not None and is_refused:
            raise CursorLost(problem_of(response))
        return self._noted(response)

    def posts(self, uris: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return what the index shows of posts, by URI, without those that are gone."""
        shown = self._in_batches("app.bsky.feed.getPosts", "uris", "posts", uris)
        return {str(post["uri"]): post for post in shown}

    def people(self, dids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return what the index shows of people, by DID, without those that are gone."""
        shown = self._in_batches("app.bsky.actor.getProfiles", "actors", "profiles", dids)
        return {str(person["did"]): person for person in shown}

    def _in_batches(
        self, method: str, name: str, listed: str, wanted: Sequence[str]
    ) -> Iterator[Mapping[str, Any]]:
        distinct = list(dict.fromkeys(wanted))
        for start in range(0, len(distinct), NUMBERS_AT_ONCE):
            query = {name: distinct[start : start + NUMBERS_AT_ONCE]}
            response = self.server.ask("GET", method, params=query, token=self.token)
            yield from self._noted(response)[listed]

    def _noted(self, response: Response) -> dict[str, Any]:
        answer = reading_of(response)
        self.rest_s = max(self.rest_s, rest_after(response))
        return answer


def history(
    server: Server, credentials: Credentials, did: str, asked: Asked, site: str
) -> HistoryPage:
    """Read a page of the repository.

    :param site: the address of the website that shows posts and people.
    :raises LookUpFailed: no usable response; CursorLost, where the cursor is no longer known.
    :raises LookUpRefused: the server does not show it.
    :raises TokenRefused: the session is over.
    """
    reader = _Reader(server.within(LOOK_UP_SECONDS), token_of(credentials), site)
    read = {ReadKind.POSTS: _posts, ReadKind.LIKES: _likes, ReadKind.FOLLOWS: _follows}[asked.kind]
    with known_shape():
        page = reader.records(did, asked)
        records = list_in(page["records"])
        following = page.get("cursor") if records else None
        return HistoryPage(
            items=tuple(read(reader, did, records)),
            following=str(following) if following else None,
            returned=len(records),
            rest_s=reader.rest_s,
        )


def numbers(
    server: Server, credentials: Credentials, remote_ids: Sequence[str]
) -> dict[str, Numbers]:
    """Return how posts were answered, by URI. Raises what ``history`` raises."""
    reader = _Reader(server.within(LOOK_UP_SECONDS), token_of(credentials), "")
    with known_shape():
        return {uri: _numbers_in(post) for uri, post in reader.posts(remote_ids).items()}


def _posts(reader: _Reader, did: str, records: Sequence[Mapping[str, Any]]) -> Iterator[PastItem]:
    """Yield own posts, under the URI that publishing keeps."""
    found = [(reference_in(record, did), record["value"]) for record in records]
    mine = [(reference["uri"], value) for reference, value in found if reference is not None]
    shown = _shown_if_any(reader, [uri for uri, _ in mine])
    for uri, value in mine:
        yield PastItem(
            remote_id=uri,
            text=str(value.get("text") or ""),
            url=page_of(reader.site, did, uri.rpartition("/")[2]),
            created_at=told_moment(value.get("createdAt")),
            numbers=_numbers_in(shown.get(uri) or {}),
        )


def _shown_if_any(reader: _Reader, uris: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return what the index shows of own posts; the repository has their texts without it.

    :raises LookUpFailed: it asks us to stay away.
    """
    with contextlib.suppress(LookUpRefused):
        try:
            return reader.posts(uris)
        except LookUpFailed as failure:
            if failure.retry_after is not None:
                raise
    return {}


def _likes(reader: _Reader, _did: str, records: Sequence[Mapping[str, Any]]) -> Iterator[PastItem]:
    """Yield liked posts, those that are gone without words; other things can be liked, too."""
    found = [(record["uri"], str(record["value"]["subject"]["uri"])) for record in records]
    liked = [(uri, subject, post) for uri, subject in found if (post := _POST.fullmatch(subject))]
    shown = reader.posts([subject for _, subject, _ in liked])
    for uri, subject, post in liked:
        told = shown.get(subject) or {}
        record = told.get("record") or {}
        yield PastItem(
            remote_id=uri,
            text=str(record.get("text") or ""),
            author=str((told.get("author") or {}).get("handle") or ""),
            url=page_of(reader.site, post["did"], post["rkey"]),
            created_at=told_moment(record.get("createdAt")),
            numbers=_numbers_in(told),
        )


def _follows(
    reader: _Reader, _did: str, records: Sequence[Mapping[str, Any]]
) -> Iterator[PastItem]:
    """Yield followed accounts by their DIDs; of those that are gone there is nothing else."""
    found = [record["value"] for record in records if is_did(record["value"]["subject"])]
    people = reader.people([value["subject"] for value in found])
    for value in found:
        did = value["subject"]
        person = people.get(did) or {}
        handle = str(person.get("handle") or "")
        yield PastItem(
            remote_id=did,
            text=str(person.get("description") or ""),
            author=handle,
            url=f"{reader.site}/profile/{handle or did}",
            created_at=told_moment(value.get("createdAt")),
        )


def _numbers_in(post: Mapping[str, Any]) -> Numbers:
    return Numbers.told(post.get("likeCount"), post.get("repostCount"), post.get("replyCount"))
