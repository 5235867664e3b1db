"""The posts and pictures that the Bluesky of the sandbox accepted."""

import bisect
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from sandbox.bluesky import errors
from sandbox.bluesky.ids import COLLECTION, POSTGATE, THREADGATE, cid_of, cid_of_record, tid_at
from sandbox.bluesky.records import Blob, Post
from sandbox.bluesky.settings import BlueskySettings
from sandbox.bluesky.text import facets_of, full_mentions
from sandbox.control import Like, PastPost
from sandbox.core import Clock, Store, iso

IMAGES = "app.bsky.embed.images"
POST, BLOB = "bluesky_post", "bluesky_blob"


class PostBook:
    """Every post in order of acceptance. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: BlueskySettings, store: Store) -> None:
        self._clock = clock
        self._settings = settings
        self._store = store
        self._forget()
        for post in sorted((Post(**r) for r in store.records(POST)), key=lambda p: p.created_at):
            self._index(post)
        for record in store.records(BLOB):
            self._blobs[record["did"], record["cid"]] = Blob(**record)

    def create(
        self,
        did: str,
        rkey: str,
        record: dict[str, Any],
        gates: dict[str, dict[str, Any]] | None = None,
    ) -> Post:
        """Publish. Raises XrpcError: 500 for a key that is taken, 400 for a blob that is not."""
        uri = f"at://{did}/{COLLECTION}/{rkey}"
        if self.find(uri) is not None:
            raise errors.plain(500)
        blobs = [self._live_blob(did, blob) for blob in _blobs_in(record)]
        post = Post(uri, did, rkey, cid_of_record(record), record, time.time(), gates=gates or {})
        for blob in blobs:
            blob.is_used = True
            self._store.put(BLOB, f"{did} {blob.cid}", asdict(blob))
        self._index(post)
        self._save(post)
        if "reply" in record and (parent := self.find(record["reply"]["parent"]["uri"])):
            parent.replies += 1
            self._save(parent)
        return post

    def add_past(self, did: str, post: PastPost) -> None:
        """Put a post of the past where it belongs in time."""
        made = past_post(did, post)
        while made.uri in self._by_uri:
            post = replace(post, created_at=post.created_at + 0.001)
            made = past_post(did, post)
        self._index(made)
        self._save(made)

    def edit(self, post: Post, text: str) -> None:
        """Put another record under the same key, as some clients can."""
        post.record = {**post.record, "text": text, "facets": facets_of(text)}
        post.cid, post.edited = cid_of_record(post.record), True
        self._save(post)

    def delete(self, post: Post) -> None:
        """Take a post away; its key is free again."""
        post.deleted = True
        self._save(post)

    def find(self, uri: str) -> Post | None:
        """The post of that address, unless it was deleted."""
        post = self._by_uri.get(uri)
        return None if post is None or post.deleted else post

    def posts_of(self, did: str) -> list[Post]:
        """What a repository holds, newest key first."""
        return [post for post in reversed(self._by_did.get(did, [])) if not post.deleted]

    def newest(self, limit: int, did: str | None = None) -> list[Post]:
        """The latest posts that are not deleted, newest first."""
        every = self._posts if did is None else self._by_did.get(did, [])
        found: Iterator[Post] = (post for post in reversed(every) if not post.deleted)
        return list(islice(found, limit))

    def everything(self) -> list[Post]:
        """Every accepted post, deleted ones too, in order of acceptance."""
        return [post for post in self._posts if not post.is_past]

    def past(self) -> list[Post]:
        """Every post that came with a history, oldest first."""
        return [post for post in self._posts if post.is_past]

    def posted_twice(self) -> list[tuple[str, str, int]]:
        """``(did, text, times)`` of every text that an account posted more than once."""
        counted = Counter((post.did, post.record["text"]) for post in self.everything())
        return [(did, text, times) for (did, text), times in counted.items() if text and times > 1]

    def keep(self, did: str, content: bytes, mime: str) -> Blob:
        """Keep a picture for a while; the same one again is the same blob."""
        cid = cid_of(content)
        known = self._blobs.get((did, cid))
        blob = Blob(cid, did, mime, len(content), self._clock.now(), bool(known and known.is_used))
        self._blobs[did, cid] = blob
        self._content[cid] = content
        self._store.put(BLOB, f"{did} {cid}", asdict(blob))
        return blob

    def content(self, cid: str) -> tuple[bytes, str] | None:
        """A picture's bytes and type, if it came since the sandbox started."""
        mimes = [blob.mime for blob in self._blobs.values() if blob.cid == cid]
        return (self._content[cid], mimes[0]) if mimes and cid in self._content else None

    def clear(self) -> None:
        """Forget every post and picture."""
        self._forget()
        self._store.empty(POST)
        self._store.empty(BLOB)

    def _live_blob(self, did: str, reference: dict[str, Any]) -> Blob:
        cid = reference["ref"]["$link"]
        blob = self._blobs.get((did, cid))
        if blob is None:
            raise errors.no_blob(cid)
        if not blob.is_used and self._clock.now() - blob.came_at > self._settings.blob_seconds:
            raise errors.no_blob(cid)
        if blob.mime != reference["mimeType"]:
            message = f"Referenced Mimetype does not match stored blob: {blob.mime}"
            raise errors.XrpcError(400, "InvalidMimeType", message)
        if blob.size != reference["size"]:
            raise errors.XrpcError(400, "InvalidSize", "Size does not match stored blob")
        return blob

    def _forget(self) -> None:
        self._posts: list[Post] = []
        self._by_uri: dict[str, Post] = {}
        self._by_did: dict[str, list[Post]] = {}
        self._blobs: dict[tuple[str, str], Blob] = {}
        self._content: dict[str, bytes] = {}  # pictures are shown until the sandbox stops

    def _index(self, post: Post) -> None:
        bisect.insort(self._posts, post, key=lambda one: one.created_at)
        bisect.insort(self._by_did.setdefault(post.did, []), post, key=lambda one: one.rkey)
        self._by_uri[post.uri] = post

    def _save(self, post: Post) -> None:
        self._store.put(POST, f"{post.uri} {post.created_at}", asdict(post))


def past_post(did: str, post: PastPost | Like) -> Post:
    """A post of the past, always the same; one without text shows a picture."""
    text, rkey = full_mentions(post.text), tid_at(post.created_at)
    record: dict[str, Any] = {
        "$type": COLLECTION,
        "text": text,
        "createdAt": iso(post.created_at),
        "langs": ["en"],
    }
    if facets := facets_of(text):
        record["facets"] = facets
    if not text:
        record["embed"] = {"$type": IMAGES, "images": [_past_image(rkey)]}
    return Post(
        uri=f"at://{did}/{COLLECTION}/{rkey}",
        did=did,
        rkey=rkey,
        cid=cid_of_record(record),
        record=record,
        created_at=post.created_at,
        likes=post.likes,
        reposts=post.reposts,
        replies=post.replies,
        is_past=True,
    )


def _past_image(key: str) -> dict[str, Any]:
    link = {"$link": cid_of(key.encode())}
    blob = {"$type": "blob", "ref": link, "mimeType": "image/png", "size": len(key)}
    return {"alt": "A picture of the past", "image": blob}


def images_of(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The images that a record embeds."""
    images: list[dict[str, Any]] = _media_of(record).get("images", [])
    return images


def card_of(record: dict[str, Any]) -> dict[str, Any] | None:
    """The card of a link that a record embeds, None without one."""
    card: dict[str, Any] | None = _media_of(record).get("external")
    return card


def quote_of(record: dict[str, Any]) -> dict[str, Any] | None:
    """Uri and cid of the post that a record quotes, None without one."""
    quoted = record.get("embed", {}).get("record")
    quote: dict[str, Any] | None = quoted.get("record", quoted) if quoted else None
    return quote


def _media_of(record: dict[str, Any]) -> dict[str, Any]:
    embed: dict[str, Any] = record.get("embed", {})
    media: dict[str, Any] = embed.get("media", embed)
    return media


def _blobs_in(record: dict[str, Any]) -> list[dict[str, Any]]:
    card = card_of(record) or {}
    thumbs = [card["thumb"]] if "thumb" in card else []
    return [*(image["image"] for image in images_of(record)), *thumbs]


def as_fact(post: Post, handle: str) -> dict[str, Any]:
    """``post`` as the control API tells of it."""
    reply = post.record.get("reply")
    return {
        "id": post.uri,
        "handle": handle,
        "text": post.record["text"],
        "created_at": iso(post.created_at),
        "in_reply_to": reply["parent"]["uri"] if reply else None,
        "deleted": post.deleted,
        "edited": post.edited,
        "pictures": [
            {"id": image["image"]["ref"]["$link"], "alt": image["alt"]}
            for image in images_of(post.record)
        ],
        "card": card_of(post.record),
        "langs": post.record.get("langs"),
        "labels": [one["val"] for one in post.record.get("labels", {}).get("values", [])],
        "quote": (quote_of(post.record) or {}).get("uri"),
        "threadgate": post.gates.get(THREADGATE),
        "postgate": post.gates.get(POSTGATE),
    }
