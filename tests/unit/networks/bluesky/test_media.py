"""Pictures on their way to Bluesky, against a server that answers what a test wants."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks import http
from app.networks.base import Picture
from app.networks.errors import LookUpFailed, TokenRefused, UploadRefused
from tests.support.bluesky import PNG, bluesky_at, credentials_at
from tests.support.scripted import ScriptedServer

BLOB = {"$type": "blob", "ref": {"$link": "bafkreia"}, "mimeType": "image/png", "size": 14}
PICTURE = Picture(PNG, "image/png", "A wall", 4, 3)


def test_a_picture_is_stored_as_it_is(scripted: ScriptedServer) -> None:
    """Raw bytes with their type; the answer is kept as it came, with the words and the shape."""
    scripted.answers = [(200, {"blob": BLOB})]
    stored = bluesky_at(scripted.url).upload(credentials_at(scripted.url), PICTURE)
    assert stored == {"blob": BLOB, "alt": "A wall", "width": 4, "height": 3}
    (seen,) = scripted.seen
    assert (seen.method, seen.path) == ("POST", "/xrpc/com.atproto.repo.uploadBlob")
    assert (seen.headers["Content-Type"], seen.body) == ("image/png", PNG)
    assert seen.headers["Authorization"] == "Bearer access"
    assert seen.headers["User-Agent"] == http.USER_AGENT


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (400, {"error": "ExpiredToken"}, TokenRefused),
        (401, {"error": "AccountTakedown"}, TokenRefused),
        (400, {"error": "InvalidMimeType"}, UploadRefused),
        (400, {"error": "BlobTooLarge"}, UploadRefused),
        (400, {"error": "InvalidRequest"}, UploadRefused),
        (413, "<html>", UploadRefused),
        (413, {"error": "PayloadTooLarge"}, UploadRefused),
        (429, {"error": "RateLimitExceeded"}, LookUpFailed),
        (500, {"error": "InternalServerError"}, LookUpFailed),
        (503, "<html>", LookUpFailed),
        (200, "<html>", LookUpFailed),
        (200, {"blob": "bafkreia"}, LookUpFailed),
        (200, {"blob": {"ref": {}}}, LookUpFailed),
    ],
)
def test_a_picture_that_was_not_stored(
    scripted: ScriptedServer, status: int, body: Any, failure: type[Exception]
) -> None:
    """A dead token, a refused picture and no clear answer are three things."""
    scripted.answers = [(status, body)]
    with pytest.raises(failure):
        bluesky_at(scripted.url).upload(credentials_at(scripted.url), PICTURE)
