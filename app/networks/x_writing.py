"""What X takes: lengths, the body of a post, and pictures on their way to it."""

from __future__ import annotations

from typing import Any

from app.networks import http, text
from app.networks.base import (
    Body,
    Kind,
    Limits,
    LookUpFailed,
    Outcome,
    Part,
    Picture,
    TokenRefused,
    UploadRefused,
)
from app.networks.x_answers import id_in, outcome_of

LIMITS = Limits(
    characters=text.TWEET_LIMIT,
    unit="weighted",
    link_length=23,
    pictures=4,
    picture_bytes=5_000_000,
    picture_side=8_192,
    alt_length=1_000,
    picture_types=("image/jpeg", "image/png", "image/webp"),
)


def body_of(part: Part) -> Body:
    """Return the JSON of ``POST /2/tweets``."""
    body: Body = {"text": part.text} if part.text else {}
    if part.reply_to is not None:
        body["reply"] = {"in_reply_to_tweet_id": part.reply_to["id"]}
    if part.pictures:
        body["media"] = {"media_ids": [picture["id"] for picture in part.pictures]}
    return body


def upload(api: str, signature: Any, picture: Picture, timeout: float) -> dict[str, Any]:
    """Store a picture, which X keeps for a day without a post, and what it shows.

    :raises UploadRefused: X does not take it.
    :raises LookUpFailed: try again later.
    :raises TokenRefused: the token is dead.
    """
    name = f"picture.{picture.mime.rpartition('/')[2]}"
    answer = _ask(
        f"{api}/2/media/upload",
        timeout=timeout,
        auth=signature,
        data={"media_category": "tweet_image", "media_type": picture.mime},
        files={"media": (name, picture.data, picture.mime)},
    )
    media_id = id_in(answer.data) if 200 <= answer.status < 300 else None
    if media_id is None:
        raise _failure(outcome_of(answer))
    if picture.alt:
        _describe(api, signature, media_id, picture.alt, timeout)
    return {"id": media_id}


def _describe(api: str, signature: Any, media_id: str, alt: str, timeout: float) -> None:
    """Say what a picture shows: X takes it only before the post is made."""
    told = {"id": media_id, "metadata": {"alt_text": {"text": alt}}}
    url = f"{api}/2/media/metadata"
    answer = _ask(url, timeout=timeout, auth=signature, json=told)
    if not 200 <= answer.status < 300:
        raise _failure(outcome_of(answer))


def _ask(url: str, **content: Any) -> http.Answer:
    try:
        return http.call("POST", url, **content)
    except (http.NotSent, http.Unanswered) as error:
        raise LookUpFailed(str(error)) from error


def _failure(outcome: Outcome) -> Exception:
    detail = outcome.detail or ""
    if outcome.kind == Kind.AUTH:
        return TokenRefused(detail)
    if outcome.kind == Kind.REJECTED:  # 403: a token from before pictures lacks the permission
        code = "picture_permission" if outcome.http_status == 403 else "picture_refused"
        return UploadRefused(code, detail)
    return LookUpFailed(detail)
