"""Mastodon's client against a server that says what the test wrote down: whose token it is."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from tests.support.mastodon import credentials_at, mastodon
from tests.support.scripted import ScriptedServer

ACCOUNT = {"id": "7", "username": "ana", "acct": "ana", "display_name": "Ana", "avatar": None}


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
