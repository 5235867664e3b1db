"""What fits into a post, against a server that says what the test wrote down."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks.mastodon.posts import USUAL
from tests.support.mastodon import credentials_at, mastodon
from tests.support.scripted import ScriptedServer


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
