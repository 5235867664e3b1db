"""Keeping a session at Bluesky alive."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks.errors import LookUpFailed, RefreshUnclear, TokenRefused
from tests.support.bluesky import DID, bluesky_at, credentials_at, document, session
from tests.support.scripted import ScriptedServer

MOVED = "https://moved.example"
CONFIRMED = (200, document(MOVED))


@pytest.mark.parametrize(
    ("told", "confirmed", "moved"),
    [
        ({}, None, None),
        ({"didDoc": document(f"{MOVED}/")}, CONFIRMED, MOVED),
        ({"didDoc": document(f"{MOVED}/")}, (200, document("https://evil.example")), None),
        ({"didDoc": document(MOVED)}, (200, {**document(MOVED), "id": "did:plc:other"}), None),
        ({"didDoc": document(MOVED)}, (200, {}), None),
        ({"didDoc": document(MOVED)}, (404, {"message": "DID not registered"}), None),
        ({"didDoc": document(MOVED)}, (503, ""), None),
        ({"didDoc": document("no address at all")}, CONFIRMED, None),
        ({"didDoc": "odd"}, CONFIRMED, None),
    ],
)
def test_refreshing_follows_the_account(
    scripted: ScriptedServer, told: dict[str, Any], confirmed: Any, moved: str | None
) -> None:
    """The refresh token alone, no body, at the account's own server; handle and server may change.

    A server that says the account has moved is believed when the account's document agrees.
    """
    scripted.answers = [(200, session(handle="new.test", **told))]
    directory = ScriptedServer()
    directory.answers = [confirmed]
    bluesky = bluesky_at("http://127.0.0.1:1", PLC_URL=directory.url)
    fresh = bluesky.refresh(credentials_at(scripted.url))
    directory.close()
    (seen,) = scripted.seen
    assert (seen.method, seen.path) == ("POST", "/xrpc/com.atproto.server.refreshSession")
    assert (seen.headers["Authorization"], seen.body) == ("Bearer refresh", b"")
    assert [asked.path for asked in directory.seen] in ([], [f"/{DID}"])
    assert fresh == {
        "pds_url": moved or scripted.url,
        "did": DID,
        "handle": "new.test",
        "access_jwt": session()["accessJwt"],
        "refresh_jwt": "refresh-2",
        "expires_at": 1_795_262_400,
    }


def test_a_server_may_not_answer_for_another_account(scripted: ScriptedServer) -> None:
    """Asked whose session it is, it names somebody else: nothing follows from that."""
    scripted.answers = [(200, session(did="did:plc:somebodyelse"))]
    with pytest.raises(LookUpFailed):
        bluesky_at(scripted.url).who_am_i(credentials_at(scripted.url))
    assert len(scripted.seen) == 1


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
