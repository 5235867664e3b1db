"""Posts: what fits into one, the body of the call that creates it, and that call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app import untrusted
from app.networks import http
from app.networks.base import Body, Limits, Outcome, OutcomeKind, Part
from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.mastodon import options
from app.networks.mastodon.client import Server
from app.networks.mastodon.media import NOW_READY, may_mean_more, why_refused
from app.networks.mastodon.responses import (
    NOT_OFFERED,
    allowance_left_for,
    link_to,
    outcome_of,
    reading_of,
)
from app.networks.responses import answered, id_in, known_shape, object_at, unanswered

USUAL = Limits(
    characters=500,
    link_length=23,
    pictures=4,
    picture_bytes=16_777_216,
    picture_pixels=33_177_600,
    alt_length=1_500,
    picture_types=("image/jpeg", "image/png", "image/gif", "image/webp"),
)
"""Where a server does not say."""
MAX_COUNT = 1_000_000_000
"""A larger limit is not believed."""
MAX_VISIBILITY_CHARACTERS = 20
KEY = "idempotency_key"
"""In a body: the header that makes a second send give the first post back."""
SENT_AT = "sent_at"
"""In a body: when its first try began, ISO 8601. It is not sent; look-ups compare it."""
DESCRIPTIONS = "descriptions"
"""In a body: what its pictures show, in order. They are not sent; look-ups compare them."""


def limits_at(server: Server, token: str, software: str) -> Limits:
    """Return what a server says that it takes, in either generation of its own description.

    :param software: what runs there, as NodeInfo says. Mastodon counts what people see; for other
        software, and where it is not known, the strictest count is taken.
    :raises LookUpFailed, LookUpRefused, TokenRefused: as ``reading_of``.
    """
    response = server.read("/api/v2/instance", token=token)
    is_website = response.status == 200 and not isinstance(response.data, dict)
    if is_website or response.status in NOT_OFFERED:
        response = server.read("/api/v1/instance", token=token)
    with known_shape():
        limits = _limits_in(reading_of(response))
    unit = limits.unit if software == "mastodon" else "codepoints"
    return replace(limits, unit=unit, visibility=visibility_of(server, token))


def _limits_in(instance: Mapping[str, Any]) -> Limits:
    told = object_at(instance, "configuration")
    statuses, media = object_at(told, "statuses"), object_at(told, "media_attachments")
    listed = media.get("supported_mime_types")
    types = tuple(kind for kind in USUAL.picture_types if kind in (listed or USUAL.picture_types))
    return Limits(
        characters=_count(
            USUAL.characters, statuses.get("max_characters"), instance.get("max_toot_chars")
        ),
        link_length=_count(USUAL.link_length or 0, statuses.get("characters_reserved_per_url")),
        pictures=_count(USUAL.pictures, statuses.get("max_media_attachments")),
        picture_bytes=_count(
            USUAL.picture_bytes, media.get("image_size_limit"), instance.get("upload_limit")
        ),
        picture_pixels=_count(USUAL.picture_pixels or 0, media.get("image_matrix_limit")),
        alt_length=_count(
            USUAL.alt_length, media.get("description_limit"), instance.get("description_limit")
        ),
        picture_types=types or USUAL.picture_types[:1],
        **_polls_in(object_at(told, "polls")),
    )


def _polls_in(polls: Mapping[str, Any]) -> dict[str, Any]:
    """Return the limits on polls that a server tells, those of Mastodon for what it leaves out."""
    if not polls:
        return {}
    return {
        "poll_options": max(2, _count(4, polls.get("max_options"))),
        "poll_characters": _count(50, polls.get("max_characters_per_option")),
        "poll_shortest": _count(300, polls.get("min_expiration")),
        "poll_longest": _count(2_629_746, polls.get("max_expiration")),
    }


def visibility_of(server: Server, token: str) -> str:
    """Return who sees a post that names no visibility; "" where the server does not tell."""
    try:
        with known_shape():
            account = reading_of(server.read("/api/v1/accounts/verify_credentials", token=token))
            privacy = (account.get("source") or {}).get("privacy")
            return untrusted.line(privacy, MAX_VISIBILITY_CHARACTERS)
    except (LookUpFailed, LookUpRefused, TokenRefused):
        return ""


def _count(usual: int, *told: Any) -> int:
    for number in told:
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= MAX_COUNT:
            return number
    return usual


def body_of(part: Part) -> Body:
    """Return the JSON of ``POST /api/v1/statuses``, with KEY and what look-ups compare."""
    body: Body = {KEY: part.key, SENT_AT: part.started_at.isoformat()}
    if part.text:
        body["status"] = part.text
    if part.pictures:
        body["media_ids"] = [picture["id"] for picture in part.pictures]
        body[DESCRIPTIONS] = [picture.get("description") or "" for picture in part.pictures]
    if part.reply_to is not None:
        body["in_reply_to_id"] = part.reply_to["id"]
    return {**body, **options.fields(part)}


async def create(server: Server, token: str, body: Body, start_by: float) -> Outcome:
    """Publish a post; once more where its pictures have become ready. Never raises.

    :param start_by: on http.boottime(); nothing is begun after it.
    """
    outcome = await _post(server, token, body, start_by)
    if outcome.code == NOW_READY:
        outcome = await _post(server, token, body, start_by)
    return replace(outcome, code="rejected") if outcome.code == NOW_READY else outcome


async def _post(server: Server, token: str, body: Body, start_by: float) -> Outcome:
    """Make one create call."""
    key, unsent = str(body.get(KEY, "")), {KEY, SENT_AT, DESCRIPTIONS}
    content = {name: value for name, value in body.items() if name not in unsent}
    try:
        response = await server.send(
            "POST", "/api/v1/statuses", token=token, key=key, start_by=start_by, json=content
        )
    except (http.NotSent, http.NoResponse) as error:
        return unanswered(error)
    remote_id = id_in(response.data) if 200 <= response.status < 300 else None
    if remote_id is None:
        refusal = outcome_of(response)
        refusal = outcome_of(response)
        if not may_mean_more(refusal):
            return refusal
        meant = await server.in_thread(why_refused, token, content, refusal)
        return meant or refusal
    return answered(
        response,
        OutcomeKind.OK,
        remote_id=remote_id,
        remote_url=link_to(response.data, server),
        request_id=response.header("x-request-id"),
        pause_for=allowance_left_for(response),
        reference={"id": remote_id},
    )
