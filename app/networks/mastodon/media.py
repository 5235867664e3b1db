"""Pictures on their way to a Mastodon server, and why a post with them may be refused."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.networks.base import Outcome, OutcomeKind, Picture
from app.networks.errors import LookUpFailed, UploadRefused
from app.networks.mastodon.client import Server, segment
from app.networks.mastodon.responses import outcome_of, problem_of
from app.networks.responses import id_in, upload_error

POLL_SECONDS = 0.5
"""Between two questions whether a picture is ready."""
PROCESSING_SECONDS = 5.0
"""Before a post is tried again whose pictures were not ready."""
NOW_READY = "pictures_now_ready"
"""The code of a refusal that may have been about pictures which have become ready since."""
TOKEN_REFUSED = {400, 401, 403, 422}
"""What ``verify_credentials`` answers for a dead token."""


def upload(server: Server, token: str, picture: Picture) -> dict[str, Any]:
    """Send a picture and wait until the server has processed it, as long as there is time.

    :raises UploadRefused: the server does not take it.
    :raises LookUpFailed: try again later.
    :raises TokenRefused: the token or a permission is dead.
    """
    name = f"picture.{picture.mime.rpartition('/')[2]}"
    response = server.ask(
        "POST",
        "/api/v2/media",
        token=token,
        data={"description": picture.alt} if picture.alt else {},
        files={"file": (name, picture.data, picture.mime)},
    )
    media_id = id_in(response.data) if 200 <= response.status < 300 else None
    if media_id is None:
        raise upload_error(outcome_of(response), "picture_refused")
    if response.status == 202:
        _wait_until_ready(server, token, media_id)
    return {"id": media_id, "description": picture.alt}


def may_mean_more(refusal: Outcome) -> bool:
    """Whether a refusal may be about the pictures or the token, and so is worth a question."""
    return refusal.http_status in {400, 422} and refusal.kind == OutcomeKind.REJECTED


def why_refused(
    server: Server, token: str, content: Mapping[str, Any], refusal: Outcome
) -> Outcome | None:
    """Return what a refusal really means, None when it means what it seems to.

    The server's words would tell, but they are translated. So we ask it for the state of the
    pictures, and whose the token is.
    """
    try:
        states = [_state_of(server, token, media_id) for media_id in content.get("media_ids", [])]
        if 206 in states:
            return replace(
                refusal,
                kind=OutcomeKind.LATER,
                code="pictures_processing",
                retry_after=PROCESSING_SECONDS,
            )
        if 404 in states:  # a picture is gone once a post carries it, or after a day without one
            return replace(refusal, code="pictures_gone")
        response = server.read("/api/v1/accounts/verify_credentials", token=token)
    except LookUpFailed:
        return None
    if response.status in TOKEN_REFUSED:
        return replace(refusal, kind=OutcomeKind.AUTH, code="token_refused")
    return replace(refusal, code=NOW_READY) if set(states) == {200} else None


def _wait_until_ready(server: Server, token: str, media_id: str) -> None:
    """Poll while there is time; the server refuses a post that comes too early."""
    while server.seconds_left() > POLL_SECONDS * 2:
        time.sleep(POLL_SECONDS)
        try:
            response = server.read(f"/api/v1/media/{segment(media_id)}", token=token)
        except LookUpFailed:
            return
        if response.status == 422:
            raise UploadRefused("picture_refused", problem_of(response))
        if response.status != 206:
            return


def _state_of(server: Server, token: str, media_id: str) -> int:
    return server.read(f"/api/v1/media/{segment(media_id)}", token=token).status
