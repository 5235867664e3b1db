"""What is read from an account's server, and the pictures stored there; nothing is published."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app import untrusted
from app.networks import http
from app.networks.base import (
    Body,
    Credentials,
    LookUpFailed,
    LookUpRefused,
    Picture,
    Profile,
    TokenRefused,
    UploadRefused,
)
from app.networks.bluesky.client import Server
from app.networks.bluesky.identity import is_did
from app.networks.bluesky.posts import COLLECTION
from app.networks.bluesky.responses import BAD_PICTURE, problem_of, reading_of, word_in
from app.networks.responses import known_shape

PROFILE = "app.bsky.actor.getProfile"
PROFILE_TIMEOUT = 5.0
TOO_LARGE = 413
UNSIGNED = 401
KNOWS_NO_HANDLES = {404, 405, 501}

_POST = re.compile(rf"at://(?P<owner>[^/\s]+)/{re.escape(COLLECTION)}/[^/\s]+")


def profile_of(
    server: Server,
    credentials: Credentials,
    session: Mapping[str, Any],
    at_most: float = PROFILE_TIMEOUT,
) -> Profile:
    """Return whose session it is.

    Name and picture come from an index; without them the account is none the worse.

    :param at_most: seconds for them; without any left they are not asked for.
    """
    did, handle = str(session["did"]), str(session["handle"])
    token = str(credentials.get("access_jwt") or "")
    at_most = min(at_most, PROFILE_TIMEOUT)
    if at_most <= 0:
        return Profile(did, handle)
    try:
        shown = reading_of(server.read(PROFILE, {"actor": did}, token=token, at_most=at_most))
    except (LookUpFailed, LookUpRefused, TokenRefused):
        return Profile(did, handle)
    name, avatar = shown.get("displayName"), shown.get("avatar")
    return Profile(did, handle, untrusted.line(name), untrusted.web_address(avatar))


def did_of(server: Server, handle: str, token: str, ends_at: float) -> str | None:
    """Return whose handle it is, None for nobody's. Raises LookUpFailed.

    :param ends_at: on time.monotonic(), when to give up.
    """
    answer = _public(
        server, "com.atproto.identity.resolveHandle", {"handle": handle}, token, ends_at
    )
    if answer.status in KNOWS_NO_HANDLES:
        return None
    try:
        did = reading_of(answer).get("did")
    except (LookUpRefused, TokenRefused):
        return None
    return did if is_did(did) else None


@dataclass(frozen=True, slots=True)
class StoredPost:
    """What the repository keeps under the key of one of our posts."""

    reference: dict[str, str]
    in_reply_to: str | None
    is_ours: bool
    """Whether it has our words; otherwise another program wrote over it."""


def stored_post(
    server: Server, credentials: Credentials, did: str, body: Body, ends_at: float
) -> StoredPost | None:
    """Return the record that the body was to become, None when the repository has no such record.

    :raises LookUpFailed: no usable answer.
    :raises LookUpRefused: the server does not show the repository.
    :raises TokenRefused: it shows it to nobody.
    """
    rkey, record = body["rkey"], body["record"]
    asked = {"repo": did, "collection": COLLECTION, "rkey": rkey}
    token = str(credentials.get("access_jwt") or "")
    answer = _public(server, "com.atproto.repo.getRecord", asked, token, ends_at)
    if answer.status == 400 and word_in(answer) == "RecordNotFound":
        return None
    with known_shape():
        found = reading_of(answer)
        reference = reference_in(found, did)
        if reference is None or key_in(reference) != rkey:
            raise ValueError("no reference")
        reply = found["value"].get("reply") or {}
        parent = reply["parent"]["uri"] if reply else None
        return StoredPost(reference, parent, found["value"]["text"] == record["text"])


def reference_in(data: Any, did: str) -> dict[str, str] | None:
    """Return uri and cid of an answer that is about a post of this account, else None.

    Its owner may be named by DID or by handle.
    """
    if not isinstance(data, dict):
        return None
    uri, cid = untrusted.identifier(data.get("uri")), data.get("cid")
    if uri is None or not isinstance(cid, str) or untrusted.identifier(cid) is None:
        return None
    found = _POST.fullmatch(uri)
    if found is None or (is_did(found["owner"]) and found["owner"] != did):
        return None
    return {"uri": uri, "cid": cid}


def key_in(reference: Mapping[str, str]) -> str:
    """Return the record key of a post."""
    return reference["uri"].rpartition("/")[2]


def upload(server: Server, credentials: Credentials, picture: Picture) -> Mapping[str, Any]:
    """Store a picture. Raises UploadRefused, LookUpFailed, TokenRefused."""
    try:
        answer = server.call(
            "POST",
            "com.atproto.repo.uploadBlob",
            token=str(credentials.get("access_jwt") or ""),
            mime=picture.mime,
            data=picture.data,
        )
    except (http.NotSent, http.NoResponse) as error:
        raise LookUpFailed(type(error).__name__) from error
    if answer.status == TOO_LARGE or word_in(answer) in BAD_PICTURE:
        raise UploadRefused("picture_refused", problem_of(answer))
    try:
        with known_shape():
            blob = _blob_in(reading_of(answer)["blob"])
    except LookUpRefused as error:
        raise UploadRefused("rejected", problem_of(answer)) from error
    return {"blob": blob, "alt": picture.alt, "width": picture.width, "height": picture.height}


def _blob_in(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return a picture's reference as posts carry it. Raises ValueError for another shape."""
    link, size = (
        untrusted.identifier(told["ref"]["$link"]),
        untrusted.whole(told.get("size"), 0, 10**12),
    )
    if link is None:
        raise ValueError("no reference")
    kept = {
        "$type": "blob",
        "ref": {"$link": link},
        "mimeType": untrusted.line(told.get("mimeType")),
    }
    return kept if size is None else {**kept, "size": size}


def _public(
    server: Server, name: str, asked: Mapping[str, str], token: str, ends_at: float
) -> http.Response:
    """Read what is public, so that a dead session does not hide it; few servers want the token."""
    answer = server.read(name, asked, at_most=_left(ends_at))
    if answer.status == UNSIGNED and token:
        answer = server.read(name, asked, token=token, at_most=_left(ends_at))
    return answer


def _left(ends_at: float) -> float:
    left = ends_at - time.monotonic()
    if left <= 0:
        raise LookUpFailed("there was no time for all of it")
    return left
