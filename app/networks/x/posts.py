"""What X takes: lengths, the body of a post, and pictures on their way to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from app.networks import http
from app.networks.base import Body, Limits, Outcome, OutcomeKind, Part, Picture
from app.networks.errors import LookUpFailed, TokenRefused, UploadRefused
from app.networks.links import LINK_LENGTH
from app.networks.x.responses import id_in, outcome_of
from app.networks.x.text import MAX_WEIGHTED_LENGTH

GIF = "image/gif"
LIMITS = Limits(
    characters=MAX_WEIGHTED_LENGTH,
    unit="weighted",
    link_length=LINK_LENGTH,
    pictures=4,
    picture_bytes=5_000_000,
    picture_side=8_192,
    moving_bytes=15_000_000,
    moving_width=1_280,
    moving_height=1_080,
    moving_frames=350,
    alt_length=1_000,
    picture_types=("image/jpeg", "image/png", "image/webp", GIF),
)
CHUNK = 4_000_000
"""Bytes of one piece of a moving picture: X takes five megabytes in one call, at least."""
POLL_EVERY = 1.0
"""Seconds between two questions whether a moving picture is ready, where X names none."""
SHORTEST_POLL = 0.2


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

    :param timeout: seconds for all of it.

    :raises UploadRefused: X does not take it.
    :raises LookUpFailed: try again later.
    :raises TokenRefused: the token is dead.
    """
    calls = _Calls(f"{api}/2/media", signature, time.monotonic() + timeout)
    media_id = _upload_moving(calls, picture) if picture.mime == GIF else _upload(calls, picture)
    if picture.alt:
        _describe(calls, media_id, picture.alt)
    if picture.mime == GIF:
        _wait_until_ready(calls, media_id)
    return {"id": media_id}


@dataclass(frozen=True, slots=True)
class _Calls:
    """Calls about one picture; ``ends_at`` is for all together, on time.monotonic()."""

    url: str
    signature: Any
    ends_at: float

    def ask(self, path: str, method: str = "POST", **content: Any) -> http.Response:
        """Return an answer that says yes. Raises as ``upload``."""
        left = self.ends_at - time.monotonic()
        if left <= 0:
            raise LookUpFailed("there was no time left for the picture")
        url = f"{self.url}/{path}"
        try:
            answer = http.call(method, url, timeout=left, auth=self.signature, **content)
        except (http.NotSent, http.NoResponse) as error:
            raise LookUpFailed(str(error)) from error
        if not 200 <= answer.status < 300:
            raise _failure(outcome_of(answer))
        return answer


def _upload(calls: _Calls, picture: Picture) -> str:
    name = f"picture.{picture.mime.rpartition('/')[2]}"
    answer = calls.ask(
        "upload",
        data={"media_category": "tweet_image", "media_type": picture.mime},
        files={"media": (name, picture.data, picture.mime)},
    )
    return _id_in(answer)


def _upload_moving(calls: _Calls, picture: Picture) -> str:
    """Bring a picture that moves in pieces; X needs a while then until it is ready."""
    told = {
        "media_type": picture.mime,
        "media_category": "tweet_gif",
        "total_bytes": len(picture.data),
    }
    media_id = _id_in(calls.ask("upload/initialize", json=told))
    place = f"upload/{quote(media_id, safe='')}"
    for number, start in enumerate(range(0, len(picture.data), CHUNK)):
        calls.ask(
            f"{place}/append",
            data={"segment_index": str(number)},
            files={"media": ("picture.gif", picture.data[start : start + CHUNK], picture.mime)},
        )
    calls.ask(f"{place}/finalize")
    return media_id


def _wait_until_ready(calls: _Calls, media_id: str) -> None:
    """Ask while there is time; a create that comes too early is told so, and tried again.

    :raises UploadRefused: X could not make a post's picture of it.
    """
    pause = 0.0
    while calls.ends_at - time.monotonic() > pause + SHORTEST_POLL:
        time.sleep(pause)
        try:
            answer = calls.ask(
                f"upload?{urlencode({'command': 'STATUS', 'media_id': media_id})}", "GET"
            )
        except LookUpFailed:
            return
        progress = _progress_in(answer)
        if progress.get("state") == "failed":
            error = progress.get("error")
            told = error.get("message") if isinstance(error, dict) else ""
            raise UploadRefused("picture_refused", str(told or "processing failed"))
        if progress.get("state") not in {"pending", "in_progress"}:
            return
        pause = _seconds_in(progress.get("check_after_secs"))


def _seconds_in(asked: Any) -> float:
    if isinstance(asked, int | float) and not isinstance(asked, bool) and asked > 0:
        return max(SHORTEST_POLL, float(asked))
    return POLL_EVERY


def _progress_in(answer: http.Response) -> dict[str, Any]:
    """Return what X says of its work on a picture; nothing where it is done."""
    data = answer.data.get("data") if isinstance(answer.data, dict) else None
    progress = data.get("processing_info") if isinstance(data, dict) else None
    return progress if isinstance(progress, dict) else {}


def _describe(calls: _Calls, media_id: str, alt: str) -> None:
    """Say what a picture shows: X takes it only before the post is made."""
    calls.ask("metadata", json={"id": media_id, "metadata": {"alt_text": {"text": alt}}})


def _id_in(answer: http.Response) -> str:
    media_id = id_in(answer.data)
    if media_id is None:
        raise LookUpFailed("the answer names no picture")
    return media_id


def _failure(outcome: Outcome) -> Exception:
    detail = outcome.detail or ""
    if outcome.kind == OutcomeKind.AUTH:
        return TokenRefused(detail)
    if (
        outcome.kind == OutcomeKind.REJECTED
    ):  # 403: a token from before pictures lacks the permission
        code = "picture_permission" if outcome.http_status == 403 else "picture_refused"
        return UploadRefused(code, detail)
    return LookUpFailed(detail, outcome.retry_after)
