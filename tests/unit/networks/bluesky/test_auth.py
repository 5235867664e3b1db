"""Signing in at Bluesky with an app password, and keeping the session."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from app.networks.bluesky.auth import expiry_of
from app.networks.errors import ConnectRefused, LookUpFailed
from tests.support.bluesky import DID, bluesky_at, credentials_at, document, jwt, session
from tests.support.scripted import ScriptedServer
from tests.support.waiting import free_port

NO_METHOD = (501, {"error": "MethodNotImplemented", "message": "Method Not Implemented"})
"""What an entryway says that finds no accounts for us: then it is asked itself, as the only one."""
TYPED = {"identifier": "alice.test", "password": "abcd-efgh-ijkl-mnop"}
PROFILE = {"did": DID, "handle": "alice.test", "displayName": "Alice", "avatar": "https://a/b.jpg"}


# Signing in


@pytest.mark.parametrize("name", ["#atproto_pds", f"{DID}#atproto_pds"])
def test_signing_in_finds_the_accounts_own_server(scripted: ScriptedServer, name: str) -> None:
    """The password goes to the entryway; all later calls to the server of the DID document."""
    home = ScriptedServer()
    home.answers = [(200, PROFILE)]
    scripted.answers = [NO_METHOD, (200, session(didDoc=document(f"{home.url}/", name)))]
    (connection,) = bluesky_at(scripted.url).begin(TYPED, "")
    (_, asked), (told,) = scripted.seen, home.seen
    home.close()
    assert asked.path == "/xrpc/com.atproto.server.createSession"
    assert json.loads(asked.body) == TYPED
    assert told.path.startswith("/xrpc/app.bsky.actor.getProfile?actor=did%3Aplc%3A")
    assert "abcd-efgh" not in f"{told} {connection}"
    assert connection.credentials == {
        "pds_url": home.url,
        "did": DID,
        "handle": "alice.test",
        "access_jwt": session()["accessJwt"],
        "refresh_jwt": "refresh-2",
        "expires_at": 1_795_262_400,
    }
    profile = connection.profile
    assert (profile.remote_id, profile.handle, profile.display_name) == (DID, "alice.test", "Alice")
    assert (profile.avatar_url, profile.server) == ("https://a/b.jpg", "")


@pytest.mark.parametrize(
    "typed",
    [
        " alice.test ",
        "@alice.test",
        "Alice.Test",
        "\u202aalice.test\u202c",
        "https://bsky.app/profile/alice.test",
        "https://bsky.app/profile/alice.test/post/3n2t2guek6k22?x=y#z",
        "bsky.app/profile/alice.test",
        "bsky.app/profile/alice.test/",
        "at://alice.test",
        "https://alice.test/",
        "alice.test,",
        "alice.test.",
        "@alice.test/",
        "(@alice.test)",
        "„alice.test“",
        "＠alice.test",
    ],
)
def test_handles_are_understood_however_typed(scripted: ScriptedServer, typed: str) -> None:
    """With the sign, in capitals, with what copying adds, or as the profile's address."""
    scripted.answers = [NO_METHOD, (200, session()), (500, "")]
    bluesky_at(scripted.url).begin({"identifier": typed, "password": " p \n"}, "")
    assert json.loads(scripted.seen[1].body) == {"identifier": "alice.test", "password": "p"}


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({}, "unknown_handle"),
        ({"identifier": "alice", "password": "p"}, "unknown_handle"),
        ({"identifier": "@", "password": "p"}, "unknown_handle"),
        ({"identifier": "alice test.", "password": "p"}, "unknown_handle"),
        ({"identifier": "127.0.0.1", "password": "p"}, "unknown_handle"),
        ({"identifier": "alice_b.test", "password": "p"}, "unknown_handle"),
        ({"identifier": "bsky.app/profile/", "password": "p"}, "unknown_handle"),
        ({"identifier": "ﷺ" * 80_000, "password": "p"}, "unknown_handle"),
        ({"identifier": f"{'a.' * 200}test", "password": "p"}, "unknown_handle"),
        ({"identifier": "alice.test"}, "bad_password"),
        ({"identifier": "alice.test", "password": " "}, "bad_password"),
    ],
)
def test_what_cannot_be_right_is_not_sent(
    scripted: ScriptedServer, typed: dict[str, str], code: str
) -> None:
    """Tries are few (30 in five minutes), so an empty field does not cost one."""
    with pytest.raises(ConnectRefused) as refusal:
        bluesky_at(scripted.url).begin(typed, "")
    assert (refusal.value.code, scripted.seen) == (code, [])


@pytest.mark.parametrize(
    ("status", "word", "code"),
    [
        (401, "AuthenticationRequired", "bad_password"),
        (401, "AuthFactorTokenRequired", "needs_app_password"),
        (401, "AccountTakedown", "account_inactive"),
        (400, "InvalidRequest", "unknown_handle"),
        (429, "RateLimitExceeded", "too_often"),
        (403, "Forbidden", "refused"),
    ],
)
def test_refusals_to_sign_in(scripted: ScriptedServer, status: int, word: str, code: str) -> None:
    """Each has its own word, so that the page can say what to do."""
    scripted.answers = [NO_METHOD, (status, {"error": word, "message": "m"})]
    with pytest.raises(ConnectRefused) as refusal:
        bluesky_at(scripted.url).begin(TYPED, "")
    assert refusal.value.code == code
    assert TYPED["password"] not in repr(refusal.value) + refusal.value.detail


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"error": "InternalServerError"}),
        (503, "<html>"),
        (404, "<html>"),
        (302, ""),
        (200, "<html>"),
        (200, {}),
        (200, session(did="alice")),
        (200, session(did="did:plc:a b")),
        (200, session(accessJwt=None)),
        (200, session(refreshJwt="")),
        (200, session(handle=5)),
    ],
)
def test_no_usable_answer_signs_nobody_in(scripted: ScriptedServer, status: int, body: Any) -> None:
    """Half a session is none."""
    scripted.answers = [NO_METHOD, (status, body)]
    with pytest.raises(LookUpFailed):
        bluesky_at(scripted.url).begin(TYPED, "")
    assert len(scripted.seen) == 2


def test_an_account_that_is_not_active_is_not_connected(scripted: ScriptedServer) -> None:
    """A suspended account can sign in and not publish."""
    scripted.answers = [NO_METHOD, (200, session(active=False, status="suspended"))]
    with pytest.raises(ConnectRefused) as refusal:
        bluesky_at(scripted.url).begin(TYPED, "")
    assert (refusal.value.code, refusal.value.detail) == ("account_inactive", "suspended")


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:1",
        "https://127.0.0.1",
        "https://10.0.0.8",
        "https://[::1]",
        "https://169.254.169.254",
        "ftp://pds.example.com",
        "https://",
        "",
        None,
        5,
    ],
)
def test_a_server_that_is_not_public_is_not_called(
    scripted: ScriptedServer, endpoint: object
) -> None:
    """A DID document is its owner's to write: it must not lead us into our own network."""
    scripted.answers = [NO_METHOD, (200, session(didDoc=document(endpoint)))]
    with pytest.raises(ConnectRefused) as refusal:
        bluesky_at(scripted.url, ALLOW_PRIVATE_SERVERS=False).begin(TYPED, "")
    assert refusal.value.code == "bad_server"


@pytest.mark.parametrize("written", [[], {}, {"service": []}, {"service": [5]}, "x"])
def test_a_document_without_a_server_connects_nobody(
    scripted: ScriptedServer, written: object
) -> None:
    """There would be nowhere to publish."""
    scripted.answers = [NO_METHOD, (200, session(didDoc=written))]
    with pytest.raises(ConnectRefused) as refusal:
        bluesky_at(scripted.url).begin(TYPED, "")
    assert refusal.value.code == "bad_server"


@pytest.mark.parametrize("shown", [(500, ""), (200, {"displayName": 5, "avatar": "javascript:x"})])
def test_the_account_connects_without_its_picture(
    scripted: ScriptedServer, shown: tuple[int, Any]
) -> None:
    """Without a DID document the entryway keeps the account; name and picture are extras."""
    scripted.answers = [NO_METHOD, (200, session()), shown]
    (connection,) = bluesky_at(scripted.url).begin(TYPED, "")
    assert connection.credentials["pds_url"] == scripted.url
    assert (connection.profile.display_name, connection.profile.avatar_url) == ("", "")


def test_there_is_no_consent_page() -> None:
    """Whoever comes back from one comes from somewhere else."""
    with pytest.raises(ConnectRefused):
        bluesky_at("http://127.0.0.1:1").finish({"state": "x"}, {"state": "x"}, "")


# Expiry and refreshing


@pytest.mark.parametrize(
    "token",
    ["", "opaque", "a.b.c", "a.!.c", "a.W10.c", jwt({}), jwt({"exp": "soon"}), jwt({"exp": -1}),
     jwt({"exp": 1e400}), jwt([]), jwt(None), None, 5],
)  # fmt: skip
def test_a_token_may_say_nothing_of_its_end(token: Any) -> None:
    """Tokens are opaque: whatever cannot be read has no known end."""
    assert expiry_of(token) is None


def test_expiry_has_a_minute_to_spare() -> None:
    """Tokens count as over a minute early; those without a known end never do."""
    bluesky = bluesky_at("http://127.0.0.1:1")
    assert bluesky.is_expired({"expires_at": time.time() + 30})
    assert not bluesky.is_expired({"expires_at": time.time() + 90})
    assert not bluesky.is_expired({"expires_at": None})
    assert bluesky.can_refresh(credentials_at(""))
    assert not bluesky.can_refresh({})


def test_signing_out_never_raises(scripted: ScriptedServer) -> None:
    """Best effort, with the refresh token; broken credentials and silence are no matter."""
    scripted.answers = [(500, "")]
    bluesky = bluesky_at(scripted.url)
    bluesky.revoke(credentials_at(scripted.url))
    (seen,) = scripted.seen
    assert seen.path == "/xrpc/com.atproto.server.deleteSession"
    assert seen.headers["Authorization"] == "Bearer refresh"
    bluesky.revoke(credentials_at(f"http://127.0.0.1:{free_port()}"))
    bluesky.revoke({})
