"""Pictures on their way to a Bluesky server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import untrusted
from app.networks.base import Picture
from app.networks.bluesky.client import Server
from app.networks.bluesky.responses import BAD_PICTURE, problem_of, reading_of, word_in
from app.networks.errors import LookUpRefused, UploadRefused
from app.networks.responses import known_shape

TOO_LARGE = 413


def upload(server: Server, token: str, picture: Picture) -> Mapping[str, Any]:
    """Store a picture. Raises UploadRefused, LookUpFailed, TokenRefused."""
    method = "com.atproto.repo.uploadBlob"
    answer = server.ask("POST", method, token=token, mime=picture.mime, data=picture.data)
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
    link = untrusted.identifier(told["ref"]["$link"])
    size = untrusted.whole(told.get("size"), 0, 10**12)
    if link is None:
        raise ValueError("no reference")
    blob = {
        "$type": "blob",
        "ref": {"$link": link},
        "mimeType": untrusted.line(told.get("mimeType")),
    }
    return blob if size is None else {**blob, "size": size}
