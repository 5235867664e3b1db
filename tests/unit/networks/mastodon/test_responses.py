"""Mastodon's client against a server that says what the test wrote down: people and limits."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.mastodon.posts import USUAL
from tests.support.mastodon import credentials_at, mastodon
from tests.support.scripted import ScriptedServer

ACCOUNT = {"id": "7", "username": "ana", "acct": "ana", "display_name": "Ana", "avatar": None}


# Who am I


def test_a_profile(scripted: ScriptedServer) -> None:
    """An id of any shape, the whole handle, no picture that a browser may not load."""
    host = scripted.url.removeprefix("http://")
    scripted.answers = [
        (200, {**ACCOUNT, "id": 7, "avatar": "https://cdn.example/a.png"}),
        (200, {**ACCOUNT, "avatar": "javascript:alert(1)", "display_name": None}),
    ]
    client, ana = mastodon(), credentials_at(scripted.url)
    first, second = client.who_am_i(ana), client.who_am_i(ana)
    assert (first.remote_id, first.handle, first.server) == ("7", f"ana@{host}", host)
    assert (first.display_name, first.avatar_url) == ("Ana", "https://cdn.example/a.png")
    assert (second.display_name, second.avatar_url) == ("", "")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((401, {"error": "x"}), TokenRefused),
        ((400, {"error": "x"}), TokenRefused),
        ((422, {"error": "x"}), TokenRefused),
        ((403, {"error": "x"}), LookUpRefused),
        ((404, {"error": "x"}), LookUpRefused),
        ((410, ""), LookUpRefused),
        ((403, "<html>"), LookUpFailed),
        ((400, "<html>"), LookUpFailed),
        ((429, {"error": "x"}), LookUpFailed),
        ((500, {"error": "x"}), LookUpFailed),
        ((301, ""), LookUpFailed),
        ((200, "<html>"), LookUpFailed),
        ((200, []), LookUpFailed),
        ((200, {}), LookUpFailed),
        ((200, {"id": "7"}), LookUpFailed),
        ((200, {"id": None, "username": "ana"}), LookUpFailed),
    ],
)
def test_reads_that_fail(scripted: ScriptedServer, answer: Any, error: type[Exception]) -> None:
    """A dead token, a definite no, or nothing from which anything follows."""
    scripted.answers = [answer]
    with pytest.raises(error):
        mastodon().who_am_i(credentials_at(scripted.url))


# Limits


@pytest.mark.parametrize(
    "instance",
    [
        {},
        {"configuration": None},
        {"configuration": {"statuses": [], "media_attachments": 5}},
        {"configuration": {"statuses": {"max_characters": "many"}}},
        {"configuration": {"statuses": {"max_characters": 0, "max_media_attachments": True}}},
        {"configuration": {"media_attachments": {"supported_mime_types": []}}},
    ],
)
def test_a_server_that_says_little(scripted: ScriptedServer, instance: Any) -> None:
    """Mastodon's usual limits."""
    scripted.answers = [(200, instance)]
    assert mastodon().limits(credentials_at(scripted.url)) == USUAL


@pytest.mark.parametrize("second", [(404, {"error": "x"}), (404, ""), (501, ""), (200, "<html>")])
def test_older_and_other_servers(scripted: ScriptedServer, second: tuple[int, Any]) -> None:
    """The first generation of the description, with the words that others use in it."""
    told = {"max_toot_chars": 5000, "upload_limit": 8_000_000, "description_limit": 5000}
    scripted.answers = [second, (200, told)]
    limits = mastodon().limits(credentials_at(scripted.url))
    assert [seen.path for seen in scripted.seen[:2]] == ["/api/v2/instance", "/api/v1/instance"]
    assert limits.visibility == ""
    assert (limits.characters, limits.picture_bytes, limits.alt_length) == (5000, 8_000_000, 5000)


def test_kinds_of_pictures(scripted: ScriptedServer) -> None:
    """Those that both sides know."""
    media = {"supported_mime_types": ["video/mp4", "image/webp", "image/avif", "image/png"]}
    scripted.answers = [(200, {"configuration": {"media_attachments": media}})]
    limits = mastodon().limits(credentials_at(scripted.url))
    assert limits.picture_types == ("image/png", "image/webp")
