"""Keeping a session at Bluesky alive."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks.base import RefreshUnclear, TokenRefused
from tests.support.bluesky import DID, bluesky_at, credentials_at, document, session
from tests.support.scripted import ScriptedServer


@pytest.mark.parametrize(
    ("told", "moved"),
    [
        ({}, None),
        ({"didDoc": document("https://moved.example/")}, "https://moved.example"),
        ({"didDoc": document("no address at all")}, None),
        ({"didDoc": "odd"}, None),
    ],
)
def test_refreshing_follows_the_account(
    scripted: ScriptedServer, told: dict[str, Any], moved: str | None
) -> None:
    """The refresh token alone, no body, at the account's own server; handle and server may change.

    A document that names no server leaves the one that just answered.
    """
    scripted.answers = [(200, session(handle="new.test", **told))]
    fresh = bluesky_at("http://127.0.0.1:1").refresh(credentials_at(scripted.url))
    (seen,) = scripted.seen
    assert (seen.method, seen.path) == ("POST", "/xrpc/com.atproto.server.refreshSession")
    assert (seen.headers["Authorization"], seen.body) == ("Bearer refresh", b"")
    assert fresh == {
        "pds_url": moved or scripted.url,
        "did": DID,
        "handle": "new.test",
        "access_jwt": session()["accessJwt"],
        "refresh_jwt": "refresh-2",
        "expires_at": 1_795_262_400,
    }


@pytest.mark.parametrize(
    ("status", "body", "refusal"),
    [
        (400, {"error": "ExpiredToken", "message": "Token has been revoked"}, TokenRefused),
        (400, {"error": "InvalidToken"}, TokenRefused),
        (401, {"error": "AccountTakedown"}, TokenRefused),
        (400, "<html>", RefreshUnclear),
        (403, "<html>", RefreshUnclear),
        (404, {"error": "Not Found"}, RefreshUnclear),
        (429, {"error": "RateLimitExceeded"}, RefreshUnclear),
        (500, {"error": "InternalServerError"}, RefreshUnclear),
        (302, "", RefreshUnclear),
        (200, "<html>", RefreshUnclear),
        (200, {}, RefreshUnclear),
        (200, session(accessJwt=5), RefreshUnclear),
        (200, session(did="did:plc:somebodyelse"), RefreshUnclear),
    ],
)
def test_refusals_of_a_refresh(
    scripted: ScriptedServer, status: int, body: Any, refusal: type[Exception]
) -> None:
    """A session that is over and no clear answer are two things; asked once each."""
    scripted.answers = [(status, body)]
    with pytest.raises(refusal):
        bluesky_at(scripted.url).refresh(credentials_at(scripted.url))
    assert len(scripted.seen) == 1
