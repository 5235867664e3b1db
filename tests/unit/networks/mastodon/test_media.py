"""Mastodon's client against a server that says what the test wrote down: pictures."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks.base import OutcomeKind, Picture
from app.networks.errors import LookUpFailed, TokenRefused, UploadRefused
from tests.support.mastodon import credentials_at, mastodon, piece, png, publish
from tests.support.scripted import ScriptedServer

OK = {"id": "1", "url": "https://example.social/@ana/1"}
WORDS = {"error": "Nope"}


@pytest.mark.parametrize(
    ("answers", "kind", "code"),
    [
        ([(206, {}), (200, {})], OutcomeKind.LATER, "pictures_processing"),
        ([(200, {}), (206, {})], OutcomeKind.LATER, "pictures_processing"),
        ([(404, WORDS), (404, WORDS)], OutcomeKind.REJECTED, "pictures_gone"),
        ([(500, {}), (500, {}), (500, {})], OutcomeKind.REJECTED, "rejected"),
    ],
)
def test_a_refusal_with_pictures(
    scripted: ScriptedServer, answers: Any, kind: OutcomeKind, code: str
) -> None:
    """The pictures themselves tell whether they are not ready, or already in a post."""
    scripted.answers = [(422, {"error": "Fehler"}), *answers]
    part = piece(pictures=({"id": "4"}, {"id": "5"}))
    outcome = publish(mastodon(), credentials_at(scripted.url), part)
    assert (outcome.kind, outcome.code) == (kind, code)
    assert [seen.path for seen in scripted.seen[1:3]] == ["/api/v1/media/4", "/api/v1/media/5"]


@pytest.mark.parametrize(
    ("second", "kind", "code"),
    [
        ([(200, OK)], OutcomeKind.OK, None),
        ([(422, WORDS), (200, {}), (200, {"id": "7"})], OutcomeKind.REJECTED, "rejected"),
        ([(502, "<html>")], OutcomeKind.AMBIGUOUS, "server_error"),
    ],
)
def test_a_picture_that_became_ready_meanwhile(
    scripted: ScriptedServer, second: Any, kind: OutcomeKind, code: str | None
) -> None:
    """The refusal may have been about it, so the same post is sent once more, and no oftener."""
    scripted.answers = [(422, WORDS), (200, {}), (200, {"id": "7"}), *second]
    part = piece(pictures=({"id": "4"},))
    outcome = publish(mastodon(), credentials_at(scripted.url), part)
    assert (outcome.kind, outcome.code) == (kind, code)
    assert len(scripted.seen) == 3 + len(second)
    assert scripted.seen[3].body == scripted.seen[0].body
    assert scripted.seen[3].headers["Idempotency-Key"] == "0" * 32


def test_what_is_uploaded(scripted: ScriptedServer) -> None:
    """The picture, its type and its description; an empty one is left out."""
    scripted.answers = [(200, {"id": 5}), (200, {"id": "6"})]
    ana = credentials_at(scripted.url)
    first = mastodon().upload(ana, Picture(png(), "image/png", "Two dots", 2, 2))
    assert first == {"id": "5", "description": "Two dots"}
    mastodon().upload(ana, Picture(b"\xff\xd8\xff", "image/jpeg", "", 2, 2))
    one, two = scripted.seen
    assert (one.method, one.path) == ("POST", "/api/v2/media")
    assert b'name="file"; filename="picture.png"' in one.body
    assert b"Content-Type: image/png" in one.body
    assert png() in one.body
    assert b"Two dots" in one.body
    assert b"description" not in two.body


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, WORDS), TokenRefused),
        ((403, WORDS), TokenRefused),
        ((413, "<html>"), UploadRefused),
        ((422, WORDS), UploadRefused),
        ((404, WORDS), UploadRefused),
        ((404, "<html>"), LookUpFailed),
        ((429, WORDS), LookUpFailed),
        ((500, WORDS), LookUpFailed),
        ((302, ""), TokenRefused),
        ((303, ""), LookUpFailed),
        ((200, "<html>"), LookUpFailed),
        ((200, {}), LookUpFailed),
    ],
)
def test_uploads_that_fail(scripted: ScriptedServer, answer: Any, error: type[Exception]) -> None:
    """Try again, another picture, or connect again."""
    scripted.answers = [answer]
    with pytest.raises(error):
        mastodon().upload(credentials_at(scripted.url), Picture(png(), "image/png", "", 2, 2))


def test_uploads_that_come_too_often(scripted: ScriptedServer) -> None:
    """The server is left alone for as long as it says, or as Mastodon counts calls."""
    scripted.answers = [(429, WORDS)]
    with pytest.raises(LookUpFailed) as failed:
        mastodon().upload(credentials_at(scripted.url), Picture(png(), "image/png", "", 2, 2))
    assert failed.value.retry_after == 300
