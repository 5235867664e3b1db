"""Pictures on their way to X."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from app.networks.base import Credentials, Outcome, Picture
from app.networks.errors import LookUpFailed, UploadRefused
from app.networks.http import Response
from app.networks.responses import object_at, object_in, upload_error
from app.networks.x.client import XApi
from app.networks.x.responses import id_in, outcome_of

GIF = "image/gif"
CHUNK_BYTES = 4_000_000
"""Of one piece of a moving picture: X takes at least five megabytes in one call."""
POLL_SECONDS = 1.0
"""Between two questions whether a moving picture is ready, where X does not say."""
MIN_POLL_SECONDS = 0.2


def upload(api: XApi, credentials: Credentials, picture: Picture) -> dict[str, Any]:
    """Store a picture with its description. X keeps it for a day without a post.

    All calls together take at most the timeout of one.

    :raises UploadRefused: X does not take it.
    :raises LookUpFailed: try again later.
    :raises TokenRefused: the token is dead.
    """
    media = _MediaApi(api.within(api.timeout), credentials)
    media_id = _upload_moving(media, picture) if picture.mime == GIF else _upload(media, picture)
    if picture.alt:  # X takes it only before the post is made
        described = {"id": media_id, "metadata": {"alt_text": {"text": picture.alt}}}
        media.ask("POST", "metadata", json=described)
    if picture.mime == GIF:
        _wait_until_ready(media, media_id)
    return {"id": media_id}


@dataclass(frozen=True, slots=True)
class _MediaApi:
    """The calls about one picture."""

    api: XApi
    credentials: Credentials

    def ask(self, method: str, path: str, **content: Any) -> Response:
        """Return a response that says yes. Raises as ``upload``."""
        path = f"/2/media/{path}"
        response = self.api.ask(method, path, credentials=self.credentials, **content)
        if not 200 <= response.status < 300:
            raise _failure(outcome_of(response))
        return response


def _upload(media: _MediaApi, picture: Picture) -> str:
    name = f"picture.{picture.mime.rpartition('/')[2]}"
    response = media.ask(
        "POST",
        "upload",
        data={"media_category": "tweet_image", "media_type": picture.mime},
        files={"media": (name, picture.data, picture.mime)},
    )
    return _id_in(response)


def _upload_moving(media: _MediaApi, picture: Picture) -> str:
    """Send a moving picture in pieces; X needs a while after that until it is ready."""
    about = {
        "media_type": picture.mime,
        "media_category": "tweet_gif",
        "total_bytes": len(picture.data),
    }
    media_id = _id_in(media.ask("POST", "upload/initialize", json=about))
    path = f"upload/{quote(media_id, safe='')}"
    for number, start in enumerate(range(0, len(picture.data), CHUNK_BYTES)):
        piece = picture.data[start : start + CHUNK_BYTES]
        media.ask(
            "POST",
            f"{path}/append",
            data={"segment_index": str(number)},
            files={"media": ("picture.gif", piece, picture.mime)},
        )
    media.ask("POST", f"{path}/finalize")
    return media_id


def _wait_until_ready(media: _MediaApi, media_id: str) -> None:
    """Ask while there is time. A create call that comes too early is told so, and tried again.

    :raises UploadRefused: X could not make a post's picture of it.
    """
    pause = 0.0
    query = {"command": "STATUS", "media_id": media_id}
    while media.api.seconds_left() > pause + MIN_POLL_SECONDS:
        time.sleep(pause)
        try:
            response = media.ask("GET", "upload", params=query)
        except LookUpFailed:
            return
        progress = _progress_in(response)
        if progress.get("state") == "failed":
            message = object_at(progress, "error").get("message")
            raise UploadRefused("picture_refused", str(message or "processing failed"))
        if progress.get("state") not in {"pending", "in_progress"}:
            return
        pause = _pause_in(progress.get("check_after_secs"))


def _pause_in(asked: Any) -> float:
    if isinstance(asked, int | float) and not isinstance(asked, bool) and asked > 0:
        return max(MIN_POLL_SECONDS, float(asked))
    return POLL_SECONDS


def _progress_in(response: Response) -> dict[str, Any]:
    """Return what X says of its work on a picture; nothing where it is done."""
    return object_at(object_at(object_in(response), "data"), "processing_info")


def _id_in(response: Response) -> str:
    media_id = id_in(response.data)
    if media_id is None:
        raise LookUpFailed("the answer names no picture")
    return media_id


def _failure(outcome: Outcome) -> Exception:
    is_old_token = outcome.http_status == 403  # from before pictures were supported
    return upload_error(outcome, "picture_permission" if is_old_token else "picture_refused")
