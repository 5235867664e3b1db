"""Reading from Bluesky: whether a post is there, whose handle it is, whose session."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.networks.errors import LookUpFailed, LookUpRefused, TokenRefused
from tests.support.bluesky import DID, STARTED_AT, bluesky_at, credentials_at, piece
from tests.support.scripted import ScriptedServer
from tests.support.waiting import free_port

ABSENT = (400, {"error": "RecordNotFound", "message": "Could not locate record"})
BODY = bluesky_at("http://127.0.0.1:1").body(piece("hello"))
URI = f"at://{DID}/app.bsky.feed.post/{BODY['rkey']}"


def stored(**changes: Any) -> dict[str, Any]:
    """Return the record as a server shows it."""
    return {"uri": URI, "cid": "bafyreia", "value": BODY["record"], **changes}


def recent(scripted: ScriptedServer, *bodies: dict[str, Any]) -> Any:
    """Look these bodies up."""
    bluesky = bluesky_at(scripted.url)
    return bluesky.recent(credentials_at(scripted.url), DID, STARTED_AT, bodies or [BODY])


def test_a_post_is_found_by_its_key(scripted: ScriptedServer) -> None:
    """One exact question, without a token: a dead session does not hide what is there."""
    scripted.answers = [(200, stored())]
    (seen,) = recent(scripted)
    (asked,) = scripted.seen
    query = {name: value for name, (value,) in parse_qs(urlsplit(asked.path).query).items()}
    assert asked.path.startswith("/xrpc/com.atproto.repo.getRecord?")
    assert query == {"repo": DID, "collection": "app.bsky.feed.post", "rkey": BODY["rkey"]}
    assert "Authorization" not in asked.headers
    assert seen.comparable == bluesky_at(scripted.url).comparable(BODY) == BODY["rkey"]
    assert (seen.remote_id, seen.reference) == (URI, {"uri": URI, "cid": "bafyreia"})
    assert seen.url == f"{scripted.url}/profile/{DID}/post/{BODY['rkey']}"
    assert (seen.created_at, seen.in_reply_to) == (None, None)


def test_a_post_that_is_not_there_is_not_there(scripted: ScriptedServer) -> None:
    """The repository answers exactly, so one look is enough."""
    scripted.answers = [ABSENT]
    assert recent(scripted) == []
    assert bluesky_at(scripted.url).look_ups_before_resend({}, STARTED_AT) == 1


def test_each_body_is_asked_for(scripted: ScriptedServer) -> None:
    """Several at once: those that are there are told."""
    bluesky = bluesky_at(scripted.url)
    other = bluesky.body(piece("other", "f" * 32, reply_to={"uri": "at://p", "cid": "b"}))
    uri = f"at://{DID}/app.bsky.feed.post/{other['rkey']}"
    scripted.answers = [ABSENT, (200, {"uri": uri, "cid": "b", "value": other["record"]})]
    (seen,) = recent(scripted, BODY, other)
    assert (seen.comparable, seen.in_reply_to) == (other["rkey"], "at://p")


def test_other_words_under_our_key_are_not_absence(scripted: ScriptedServer) -> None:
    """Perhaps it was edited: dated before every send, so it is neither taken nor written over."""
    scripted.answers = [(200, stored(value={"text": "other words"}))]
    (seen,) = recent(scripted)
    assert seen.comparable == BODY["rkey"]
    assert seen.created_at is not None
    assert seen.created_at.year == 1970


def test_a_server_may_ask_for_the_token(scripted: ScriptedServer) -> None:
    """Posts and handles are public; where they are not, the session shows them."""
    closed = (401, {"error": "AuthMissing"})
    scripted.answers = [closed, (200, stored()), closed, (200, {"did": DID})]
    assert len(recent(scripted)) == 1
    assert prepare(scripted, "@bob.test") == {"dids": {"bob.test": DID}}
    told = [seen.headers.get("Authorization") for seen in scripted.seen]
    assert told == [None, "Bearer access"] * 2


def test_the_name_in_an_address_may_be_the_handle(scripted: ScriptedServer) -> None:
    """The key counts; who is asked is known."""
    scripted.answers = [(200, stored(uri=URI.replace(DID, "alice.test")))]
    assert len(recent(scripted)) == 1


UNCLEAR = [
    (400, {"error": "InvalidRequest", "message": "Could not find repo"}, LookUpRefused),
    (400, {"error": "RepoDeactivated"}, LookUpRefused),
    (403, {"error": "Forbidden"}, LookUpRefused),
    (401, {"error": "AuthMissing"}, TokenRefused),
    (400, "<html>", LookUpFailed),
    (404, "<html>", LookUpFailed),
    (404, {}, LookUpFailed),
    (429, {"error": "RateLimitExceeded"}, LookUpFailed),
    (500, {"error": "RecordNotFound"}, LookUpFailed),
    (503, "<html>", LookUpFailed),
    (302, "", LookUpFailed),
    (200, "<html>", LookUpFailed),
    (200, '{"uri": "at', LookUpFailed),
    (200, [], LookUpFailed),
    (200, {}, LookUpFailed),
    (200, stored(uri="at://somebody/else"), LookUpFailed),
    (200, stored(cid=None), LookUpFailed),
    (200, stored(value=None), LookUpFailed),
    (200, stored(value={}), LookUpFailed),
    (200, stored(value={**BODY["record"], "reply": {"parent": 5}}), LookUpFailed),
]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("status", "body", "failure"), UNCLEAR)
def test_what_cannot_be_read_proves_nothing(
    scripted: ScriptedServer, first: bool, status: int, body: Any, failure: type[Exception]
) -> None:
    """Whichever body it is about and whatever is said: a failure, never an absence."""
    scripted.answers = [(status, body)] * 2 if first else [ABSENT, *[(status, body)] * 2]
    with pytest.raises(failure):
        recent(scripted, BODY, BODY)


def test_nobody_listening_proves_nothing() -> None:
    """A look-up that could not be made is not an absence."""
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(LookUpFailed):
        bluesky_at(url).recent(credentials_at(url), DID, STARTED_AT, [BODY])


# Mentions


def prepare(scripted: ScriptedServer, text: str) -> Any:
    """Resolve what a text mentions."""
    return bluesky_at(scripted.url).prepare(credentials_at(scripted.url), text)


def test_a_text_without_mentions_asks_nothing(scripted: ScriptedServer) -> None:
    """Nothing is read for the usual text."""
    assert prepare(scripted, "hello #x me@y.com") == {}
    assert scripted.seen == []


@pytest.mark.parametrize(
    "nobody",
    [
        (400, {"error": "InvalidRequest", "message": "Unable to resolve handle"}),
        (400, {"error": "HandleNotFound"}),
        (404, "Not Found"),
        (501, {"error": "MethodNotImplemented"}),
        (200, {}),
        (200, {"did": "bob"}),
        (200, {"did": 5}),
    ],
)
def test_mentions_are_resolved(scripted: ScriptedServer, nobody: tuple[int, Any]) -> None:
    """Each handle once; one that is nobody's stays plain text."""
    scripted.answers = [nobody, (200, {"did": DID})]
    assert prepare(scripted, "@eve.test @Bob.test @bob.test") == {"dids": {"bob.test": DID}}
    assert [seen.path for seen in scripted.seen] == [
        "/xrpc/com.atproto.identity.resolveHandle?handle=eve.test",
        "/xrpc/com.atproto.identity.resolveHandle?handle=bob.test",
    ]


@pytest.mark.parametrize(("status", "body"), [(500, ""), (429, {"error": "R"}), (200, "<html>")])
def test_an_unclear_handle_is_asked_again(scripted: ScriptedServer, status: int, body: Any) -> None:
    """A mention must not get lost because a server was busy."""
    scripted.answers = [(status, body)]
    with pytest.raises(LookUpFailed):
        prepare(scripted, "@bob.test")


# Whose session it is


def test_whose_session_it_is(scripted: ScriptedServer) -> None:
    """The session tells the account, an index its name."""
    scripted.answers = [
        (200, {"did": DID, "handle": "alice.test", "active": True}),
        (200, {"displayName": "Alice", "avatar": "https://cdn/a.jpg"}),
    ]
    profile = bluesky_at(scripted.url).who_am_i(credentials_at(scripted.url))
    assert (profile.remote_id, profile.handle, profile.display_name) == (DID, "alice.test", "Alice")
    assert {seen.headers["Authorization"] for seen in scripted.seen} == {"Bearer access"}


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (400, {"error": "ExpiredToken"}, TokenRefused),
        (400, {"error": "InvalidToken"}, TokenRefused),
        (401, {"error": "AuthMissing"}, TokenRefused),
        (403, {"error": "Forbidden"}, LookUpRefused),
        (200, {"did": DID, "handle": "a.test", "active": False}, LookUpRefused),
        (429, {"error": "RateLimitExceeded"}, LookUpFailed),
        (500, "", LookUpFailed),
        (200, "<html>", LookUpFailed),
        (200, {}, LookUpFailed),
        (200, {"did": DID}, LookUpFailed),
        (200, {"handle": "alice.test"}, LookUpFailed),
    ],
)
def test_an_unclear_identity_is_none(
    scripted: ScriptedServer, status: int, body: Any, failure: type[Exception]
) -> None:
    """Nobody is signed in by half an answer."""
    scripted.answers = [(status, body)]
    with pytest.raises(failure):
        bluesky_at(scripted.url).who_am_i(credentials_at(scripted.url))
