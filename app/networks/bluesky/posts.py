"""Posts: what fits into one, its record and record key, and the call that creates it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.networks import http
from app.networks.base import Body, Credentials, Limits, Outcome, OutcomeKind, Part
from app.networks.bluesky import options, text
from app.networks.bluesky.auth import token_of
from app.networks.bluesky.client import Server
from app.networks.bluesky.responses import (
    COLLECTION,
    allowance_left_for,
    key_in,
    outcome_of,
    page_of,
    reference_in,
)
from app.networks.bluesky.timeline import stored_post
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.responses import answered, unanswered

LIMITS = Limits(
    characters=300,
    unit="graphemes",
    bytes=3_000,
    pictures=4,
    picture_bytes=1_000_000,  # newer servers take twice as much, older ones do not
    alt_length=2_000,
    picture_types=("image/jpeg", "image/png", "image/webp"),
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_LANGUAGES = 3
GATES = "gates"
"""In a body: the rules of the gates that are made with the post, by collection."""
WRITE = "com.atproto.repo.applyWrites"
"""Makes a post and its gates at once, or none of them."""
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_LENGTH = 13
_CLOCK_IDS = 1 << 10


def body_of(part: Part, prepared: Mapping[str, Any]) -> Body:
    """Return record and record key; the account's own DID is added when it is sent.

    :param prepared: ``dids``: those of the handles that it mentions, by handle; ``card``: of its
        first link; ``quote``: uri and cid of the post that it quotes.
    """
    record = record_of(part, prepared.get("dids") or {}, prepared.get("card"))
    if embed := options.embed_of(record.get("embed"), prepared.get("quote")):
        record["embed"] = embed
    body = {"collection": COLLECTION, "rkey": key_of(part), "record": record}
    gates = options.gates_of(part)
    return body | {GATES: gates} if gates else body


def key_of(part: Part) -> str:
    """Return the record key of a part: the same at every try, another for every other part.

    It is also the same after an older copy of the database was restored, which knows nothing of
    later tries: nothing that a try makes goes into it, so a second send of a published post finds
    its key taken. A key is a TID: microseconds and a 10-bit clock id. Our moments are whole
    milliseconds, so the part's own key fills the three digits below them and the clock id.
    """
    microseconds = (part.written_at - EPOCH) // timedelta(microseconds=1)
    own = int(part.key, 16)
    return tid(microseconds // 1000 * 1000 + own % 1000, own // 1000 % _CLOCK_IDS)


def tid(microseconds: int, clock_id: int) -> str:
    """Return the TID of a moment, in microseconds since 1970."""
    number = (microseconds << 10) | clock_id
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def record_of(
    part: Part, dids: Mapping[str, str], card: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the post as its owner's repository stores it.

    :param dids: of the handles that it mentions, by handle.
    :param card: of its link; a post has pictures or a card.
    """
    moment = part.started_at.astimezone(UTC).isoformat(timespec="milliseconds")
    record: dict[str, Any] = {
        "$type": COLLECTION,
        "text": part.text,
        "createdAt": moment.replace("+00:00", "Z"),
    }
    if languages := part.options.get("langs") or part.languages:
        record["langs"] = list(languages[:MAX_LANGUAGES])
    if labels := options.labels_of(part):
        record["labels"] = labels
    if facets := text.facets(part.text, dids):
        record["facets"] = facets
    if part.reply_to is not None:
        root = part.root if part.root is not None else part.reply_to
        record["reply"] = {"root": _reference(root), "parent": _reference(part.reply_to)}
    if part.pictures:
        images = [_image(picture) for picture in part.pictures]
        record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
    elif card is not None:
        record["embed"] = {"$type": "app.bsky.embed.external", "external": dict(card)}
    return record


def _reference(post: Mapping[str, Any]) -> dict[str, str]:
    return {"uri": post["uri"], "cid": post["cid"]}


def _image(picture: Mapping[str, Any]) -> dict[str, Any]:
    image = {"alt": picture["alt"], "image": picture["blob"]}
    width, height = picture.get("width"), picture.get("height")
    if width and height:
        image["aspectRatio"] = {"width": width, "height": height}
    return image


async def create(
    server: Server, credentials: Credentials, body: Body, start_by: float, site: str
) -> Outcome:
    """Publish a post, and look for it once when the server refuses the record; never raises.

    :param start_by: on http.boottime(); nothing is begun after it.
    :param site: the address of the website that shows posts.
    """
    did, server = str(credentials.get("did") or ""), server.within(server.timeout)
    method, content = call_of(did, body)
    try:
        response = await server.send(
            "POST", method, token=token_of(credentials), start_by=start_by, json=content
        )
    except (http.NotSent, http.NoResponse) as error:
        return unanswered(error)
    made = response.data if method != WRITE else first_result_in(response.data)
    reference = reference_in(made, did) if 200 <= response.status < 300 else None
    if reference is None:
        refusal = outcome_of(response)
        if refusal.code != "rejected":
            return refusal
        return await server.in_thread(_unless_there, credentials, body, refusal, site)
    return answered(
        response,
        OutcomeKind.OK,
        remote_id=reference["uri"],
        remote_url=page_of(site, did, key_in(reference)),
        request_id=response.header("x-request-id"),
        pause_for=allowance_left_for(response),
        reference=reference,
    )


def call_of(did: str, body: Body) -> tuple[str, dict[str, Any]]:
    """Return the method that makes a post of the account, and what it takes.

    A gate has the record key of its post. All of them are made in one step, first the post: where
    it is, its gates are, and where its key is taken nothing is made.
    """
    if GATES not in body:
        return "com.atproto.repo.createRecord", {"repo": did, **body}
    rkey, record = body["rkey"], body["record"]
    post = f"at://{did}/{COLLECTION}/{rkey}"
    records = {COLLECTION: record} | {
        collection: options.gate_of(collection, rules, post, record["createdAt"])
        for collection, rules in body[GATES].items()
    }
    writes = [
        {"$type": f"{WRITE}#create", "collection": collection, "rkey": rkey, "value": value}
        for collection, value in records.items()
    ]
    return WRITE, {"repo": did, "writes": writes}


def first_result_in(data: Any) -> Any:
    """Return what became of the first write of several, None where that is not said."""
    results = data.get("results") if isinstance(data, dict) else None
    return results[0] if isinstance(results, list) and results else None


def _unless_there(
    server: Server, credentials: Credentials, body: Body, refusal: Outcome, site: str
) -> Outcome:
    """Return the refusal, or success where the repository has the post.

    Servers differ in how they refuse a key that is taken, and this post may be what took it.
    """
    did = str(credentials["did"])
    try:
        post = stored_post(server, token_of(credentials), did, body)
    except (LookUpRefused, TokenRefused):
        return refusal
    except LookUpFailed:
        return replace(refusal, kind=OutcomeKind.AMBIGUOUS, code="no_answer")
    if post is None:
        return refusal
    if not post.is_ours:
        return replace(refusal, kind=OutcomeKind.AMBIGUOUS, code="server_error")
    return replace(
        refusal,
        kind=OutcomeKind.OK,
        code=None,
        detail=None,
        remote_id=post.reference["uri"],
        remote_url=page_of(site, did, body["rkey"]),
        reference=post.reference,
    )
