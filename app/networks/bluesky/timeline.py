"""Look-ups at an account's server: its own posts, and whose a mentioned handle is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.networks.base import LOOK_UP_SECONDS, Body, SeenPost
from app.networks.bluesky.client import Server
from app.networks.bluesky.identity import is_did
from app.networks.bluesky.options import may_be_quoted, quoted_in
from app.networks.bluesky.options import reference_in as quote_in
from app.networks.bluesky.responses import (
    COLLECTION,
    key_in,
    page_of,
    reading_of,
    reference_in,
    word_in,
)
from app.networks.errors import LookUpRefused, QuoteRefused, TokenRefused
from app.networks.http import Response
from app.networks.responses import known_shape

BEFORE_EVERY_SEND = datetime(1970, 1, 1, tzinfo=UTC)
"""The date of a record under our key that has other words than ours."""
UNSIGNED = 401
KNOWS_NO_HANDLES = {404, 405, 501}


@dataclass(frozen=True, slots=True)
class StoredPost:
    """What the repository keeps under the key of one of our posts."""

    reference: dict[str, str]
    in_reply_to: str | None
    is_ours: bool
    """Whether it has our words; otherwise another program wrote over it."""


def recent(
    server: Server, token: str, did: str, bodies: Sequence[Body], site: str
) -> list[SeenPost]:
    """Return the posts that these bodies became: each one's record is asked for by its key.

    :param site: the address of the website that shows posts.
    :raises LookUpFailed: no usable response, or no time for all of them.
    :raises LookUpRefused: the server does not show the account's posts.
    :raises TokenRefused: the server shows them to nobody.
    """
    server = server.within(LOOK_UP_SECONDS)
    return [
        SeenPost(
            remote_id=post.reference["uri"],
            url=page_of(site, did, body["rkey"]),
            # The key alone decides, so our own post needs no date. Other words under our key are
            # dated before every send: they are neither our post nor proof that it did not arrive.
            created_at=None if post.is_ours else BEFORE_EVERY_SEND,
            comparable=comparable_of(body),
            in_reply_to=post.in_reply_to,
            reference=post.reference,
        )
        for body in bodies
        if (post := stored_post(server, token, did, body)) is not None
    ]


def comparable_of(body: Body) -> str:
    """Return the record key: no other post can have it."""
    return str(body["rkey"])


def stored_post(server: Server, token: str, did: str, body: Body) -> StoredPost | None:
    """Return the record that the body was to become, None when the repository has no such record.

    :param did: whose repository it is.
    :raises LookUpFailed: no usable response.
    :raises LookUpRefused: the server does not show the repository.
    :raises TokenRefused: it shows it to nobody.
    """
    rkey, record = body["rkey"], body["record"]
    asked = {"repo": did, "collection": COLLECTION, "rkey": rkey}
    response = read_public(server, "com.atproto.repo.getRecord", asked, token)
    if response.status == 400 and word_in(response) == "RecordNotFound":
        return None
    with known_shape():
        found = reading_of(response)
        reference = reference_in(found, did)
        if reference is None or key_in(reference) != rkey:
            raise ValueError("no reference")
        reply = found["value"].get("reply") or {}
        parent = reply["parent"]["uri"] if reply else None
        return StoredPost(reference, parent, found["value"]["text"] == record["text"])


def dids_of(server: Server, token: str, handles: Sequence[str]) -> dict[str, str]:
    """Return the DIDs of those handles that exist, by handle. Raises LookUpFailed."""
    server = server.within(LOOK_UP_SECONDS)
    found = {handle: did_of(server, handle, token) for handle in handles}
    return {handle: did for handle, did in found.items() if did}


def quoted(server: Server, token: str, address: str) -> dict[str, str]:
    """Return uri and cid of the post at an address, as the index has it.

    :raises QuoteRefused: it is gone, or its author lets nobody quote it.
    :raises LookUpFailed: no usable response.
    :raises TokenRefused: the token is dead.
    """
    server, found = server.within(LOOK_UP_SECONDS), quoted_in(address)
    if found is None:
        raise QuoteRefused("quote_gone")
    actor, rkey = found
    did = actor if is_did(actor) else did_of(server, actor, token)
    if did is None:
        raise QuoteRefused("quote_gone")
    uris = {"uris": f"at://{did}/{COLLECTION}/{rkey}"}
    with known_shape():
        try:
            posts = reading_of(server.read("app.bsky.feed.getPosts", uris, token=token))["posts"]
        except LookUpRefused as refusal:
            raise QuoteRefused("quote_gone", str(refusal)) from None
        reference = quote_in(posts[0]) if posts else None
        if reference is None:
            raise QuoteRefused("quote_gone")
        if not may_be_quoted(posts[0]):
            raise QuoteRefused("quote_closed")
    return reference


def did_of(server: Server, handle: str, token: str) -> str | None:
    """Return whose handle it is, None for nobody's. Raises LookUpFailed."""
    asked = {"handle": handle}
    response = read_public(server, "com.atproto.identity.resolveHandle", asked, token)
    if response.status in KNOWS_NO_HANDLES:
        return None
    try:
        did = reading_of(response).get("did")
    except (LookUpRefused, TokenRefused):
        return None
    return did if is_did(did) else None


def read_public(server: Server, name: str, asked: Mapping[str, str], token: str) -> Response:
    """Read what is public, without the token: a session that has ended must not hide it.

    The token is sent only to the few servers that want it. Raises LookUpFailed.
    """
    response = server.read(name, asked)
    if response.status == UNSIGNED and token:
        response = server.read(name, asked, token=token)
    return response
