"""Mastodon's client against a server that says what the test wrote down: publishing, pictures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.networks import http
from app.networks.base import OutcomeKind, Picture, Scope
from app.networks.errors import LookUpFailed, TokenRefused
from tests.support.creates import created
from tests.support.mastodon import credentials_at, mastodon, piece, png, publish
from tests.support.scripted import ScriptedServer
from tests.support.waiting import free_port

OK = {"id": "1", "url": "https://example.social/@ana/1"}
WORDS = {"error": "Nope"}


def test_the_standing_promises() -> None:
    """Every server is ready, none refreshes, and only Mastodon itself is trusted with keys."""
    client = mastodon(RECONCILE_DELAYS=[10, 30, 90, 180, 300])
    ana = credentials_at("https://example.social")
    assert client.ready
    assert mastodon(MASTODON_SERVER="127.0.0.1:8091", SANDBOX=("mastodon",)).is_local
    assert not mastodon(MASTODON_SERVER="127.0.0.1:8091").is_local
    assert not mastodon(MASTODON_SERVER="mastodon.social", SANDBOX=("mastodon",)).is_local
    assert not mastodon(ALLOW_PRIVATE_SERVERS=False).is_local
    assert [field.name for field in client.connect_fields] == ["server"]
    assert not client.can_refresh(ana)
    assert not client.is_expired(ana)
    with pytest.raises(TokenRefused):
        client.refresh(ana)
    assert client.prepare(ana, "hello @ben@example.social") == {}


@pytest.mark.parametrize(
    ("delays", "looks"),
    [([10, 30, 90], 2), ([30, 60], 2), ([1, 2, 40, 50], 3), ([1, 2, 3, 4], 4), ([], 2)],
)
def test_a_key_is_not_used_again_at_once(delays: list[float], looks: int) -> None:
    """The first call has half a minute to end before a second one comes."""
    client, ana = mastodon(RECONCILE_DELAYS=delays), credentials_at("https://example.social")
    assert client.look_ups_before_resend(ana, datetime.now(UTC)) == looks


@pytest.mark.parametrize("software", ["", "gotosocial", "pleroma", "hometown"])
def test_other_servers_get_every_look(software: str) -> None:
    """An unknown server may ignore keys."""
    ana = credentials_at("https://example.social", software=software)
    assert mastodon(RECONCILE_DELAYS=[10, 30]).look_ups_before_resend(ana, datetime.now(UTC)) > 2


@pytest.mark.parametrize(
    ("handle", "url"),
    [
        ("ana@example.social", "https://example.social/@ana"),
        ("ana@127.0.0.1:8091", "http://127.0.0.1:8091/@ana"),
    ],
)
def test_profiles(handle: str, url: str) -> None:
    """The handle is the whole one, so it leads to the server."""
    assert mastodon().profile_url(handle) == url


def test_what_is_sent(scripted: ScriptedServer) -> None:
    """The body is all that is published; key and token are headers only."""
    scripted.answers = [(200, OK)]
    part = piece("hello", "a" * 32, reply_to={"id": "9"}, pictures=({"id": "5"}, {"id": "4"}))
    assert publish(mastodon(), credentials_at(scripted.url), part).kind == OutcomeKind.OK
    (seen,) = scripted.seen
    assert (seen.method, seen.path) == ("POST", "/api/v1/statuses")
    assert seen.headers["Authorization"] == "Bearer token-of-ana"
    assert seen.headers["Idempotency-Key"] == "a" * 32
    assert seen.headers["User-Agent"].startswith("TweetLater/")
    assert json.loads(seen.body) == {
        "status": "hello",
        "media_ids": ["5", "4"],
        "in_reply_to_id": "9",
    }


def test_the_body_is_json_and_kept_as_it_is(scripted: ScriptedServer) -> None:
    """It is stored before it is sent, and the same one is sent again."""
    client = mastodon()
    body = client.body(piece("hello", "a" * 32), {})
    stored = json.dumps(body)
    scripted.answers = [(200, OK), (200, OK)]
    for _ in range(2):
        created(client, credentials_at(scripted.url), body, http.boottime() + 60)
    assert json.dumps(body) == stored
    assert scripted.seen[0].body == scripted.seen[1].body
    assert b"idempotency" not in scripted.seen[0].body
    assert b"sent_at" not in scripted.seen[0].body
    assert "status" not in client.body(piece(""), {})


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize(
    ("found", "remote_id"),
    [
        ("109501234567890123", "109501234567890123"),
        (109501234567890123, "109501234567890123"),
        ("01HZX7Q4J2V9F6", "01HZX7Q4J2V9F6"),
        ("AbCdEf-_~.", "AbCdEf-_~."),
        ("ünï/ço?dé", "ünï/ço?dé"),
    ],
)
def test_ids_of_any_shape(
    scripted: ScriptedServer, status: int, found: Any, remote_id: str
) -> None:
    """Servers make them as they like."""
    scripted.answers = [(status, {**OK, "id": found})]
    outcome = publish(mastodon(), credentials_at(scripted.url))
    assert (outcome.kind, outcome.remote_id) == (OutcomeKind.OK, remote_id)
    assert outcome.reference == {"id": remote_id}


@pytest.mark.parametrize(
    ("answer", "url"),
    [
        ({"url": "https://b.example/@ana/1"}, "https://b.example/@ana/1"),
        ({"url": None, "uri": "https://b.example/1"}, "https://b.example/1"),
        ({"url": "javascript:alert(1)"}, None),
        ({"url": "http://b.example/1"}, None),
        ({"url": 5, "uri": []}, None),
        ({}, None),
    ],
)
def test_links(scripted: ScriptedServer, answer: dict[str, Any], url: str | None) -> None:
    """Only what a browser may be sent to; else the address that each Mastodon has."""
    scripted.answers = [(200, {"id": "1", **answer})]
    outcome = publish(mastodon(), credentials_at(scripted.url))
    assert outcome.remote_url == (url or f"{scripted.url}/web/statuses/1")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ((200, {}), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((200, {"id": None}), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((200, {"id": True}), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((200, {"id": ""}), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((200, {"id": "x" * 300}), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((200, {"id": {"a": 1}}), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((200, []), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((200, "<html>"), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((200, ""), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((200, b"\xff\xfe"), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((202, {}), OutcomeKind.AMBIGUOUS, "garbled_answer"),
        ((500, WORDS), OutcomeKind.AMBIGUOUS, "server_error"),
        ((502, "<html>"), OutcomeKind.AMBIGUOUS, "server_error"),
        ((503, WORDS), OutcomeKind.AMBIGUOUS, "server_error"),
        ((504, ""), OutcomeKind.AMBIGUOUS, "server_error"),
        ((408, ""), OutcomeKind.AMBIGUOUS, "server_error"),
        ((303, WORDS), OutcomeKind.AMBIGUOUS, "redirected"),
        ((301, ""), OutcomeKind.AUTH, "server_moved"),
        ((302, ""), OutcomeKind.AUTH, "server_moved"),
        ((307, ""), OutcomeKind.AUTH, "server_moved"),
        ((308, ""), OutcomeKind.AUTH, "server_moved"),
        ((410, ""), OutcomeKind.AUTH, "server_moved"),
        ((401, WORDS), OutcomeKind.AUTH, "token_refused"),
        ((401, ""), OutcomeKind.AUTH, "token_refused"),
        ((403, WORDS), OutcomeKind.AUTH, "permission_missing"),
        ((403, "<html>"), OutcomeKind.LATER, "unreachable"),
        ((404, WORDS), OutcomeKind.REJECTED, "not_found"),
        ((404, "<html>"), OutcomeKind.LATER, "unreachable"),
        ((405, "<html>"), OutcomeKind.LATER, "unreachable"),
        ((413, "<html>"), OutcomeKind.REJECTED, "rejected"),
        ((418, WORDS), OutcomeKind.REJECTED, "rejected"),
        ((429, WORDS), OutcomeKind.LATER, "rate_limited"),
        ((429, "<html>"), OutcomeKind.LATER, "rate_limited"),
    ],
)
def test_every_answer(
    scripted: ScriptedServer, answer: tuple[int, Any], kind: OutcomeKind, code: str
) -> None:
    """One call, one outcome, for this account only; docs/networks/mastodon.md has the table."""
    scripted.answers = [answer]
    outcome = publish(mastodon(), credentials_at(scripted.url))
    assert (outcome.kind, outcome.code) == (kind, code)
    assert (outcome.http_status, outcome.scope) == (answer[0], Scope.ACCOUNT)
    assert outcome.detail
    assert len(scripted.seen) == 1


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("answers", "kind", "code"),
    [
        ([(200, {"id": "7"})], OutcomeKind.REJECTED, "rejected"),
        ([(401, WORDS)], OutcomeKind.AUTH, "token_refused"),
        ([(403, WORDS)], OutcomeKind.AUTH, "token_refused"),
        ([(422, WORDS)], OutcomeKind.AUTH, "token_refused"),
        ([(500, WORDS)], OutcomeKind.REJECTED, "rejected"),
    ],
)
def test_a_refusal_in_any_language(
    scripted: ScriptedServer, status: int, answers: Any, kind: OutcomeKind, code: str
) -> None:
    """Whether it is about the text or the token is asked, not read."""
    scripted.answers = [(status, {"error": "Fehler"}), *answers]
    outcome = publish(mastodon(), credentials_at(scripted.url))
    assert (outcome.kind, outcome.code) == (kind, code)
    assert (outcome.detail, outcome.http_status) == ("Fehler", status)
    assert scripted.seen[1].path == "/api/v1/accounts/verify_credentials"


def test_nobody_listens() -> None:
    """Not one byte left."""
    outcome = publish(mastodon(), credentials_at(f"http://127.0.0.1:{free_port()}"))
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SENT, "unreachable")


@pytest.mark.parametrize("url", ["", "nonsense", "http://", None])
def test_credentials_that_are_broken(url: Any) -> None:
    """Never an exception, never a call."""
    assert publish(mastodon(), credentials_at(url)).kind == OutcomeKind.NOT_SENT
    assert publish(mastodon(), {}).kind == OutcomeKind.NOT_SENT


def test_a_server_that_moved_into_a_private_network(scripted: ScriptedServer) -> None:
    """Its name was public when it was typed; nothing is said to it now, nor any token."""
    client = mastodon(ALLOW_PRIVATE_SERVERS=False)
    ana = credentials_at(scripted.url.replace("127.0.0.1", "localhost"))
    outcome = publish(client, ana)
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SENT, "unreachable")
    with pytest.raises(LookUpFailed):
        client.who_am_i(ana)
    with pytest.raises(LookUpFailed):
        client.upload(ana, Picture(png(), "image/png", "", 2, 2))
    client.revoke(ana)
    assert scripted.seen == []


def test_too_late_to_start(scripted: ScriptedServer) -> None:
    """After the start deadline nothing is begun."""
    client = mastodon()
    body = client.body(piece(), {})
    outcome = created(client, credentials_at(scripted.url), body, http.boottime() - 1)
    assert (outcome.kind, outcome.code) == (OutcomeKind.NOT_SENT, None)
    assert scripted.seen == []
