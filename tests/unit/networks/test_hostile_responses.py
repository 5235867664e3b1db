"""Answers that are meant to hurt: bombs, floods and lies end with the call, and cost little."""

from __future__ import annotations

import contextlib
import gzip
import json
import resource
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from app.networks import http
from app.networks.base import Connection, Network, OutcomeKind, Profile
from app.networks.errors import (
    ConnectRefused,
    LookUpFailed,
    LookUpRefused,
    RefreshUnclear,
    TokenRefused,
)
from app.networks.facebook.network import Facebook
from tests.support import bluesky, mastodon
from tests.support.creates import Call, created
from tests.support.scripted import ScriptedServer, part
from tests.unit.networks.test_http import Server
from tests.unit.networks.x.test_network import OAUTH2, x_at

MB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on loopback that behaves as a test says."""
    server = Server()
    yield server
    server.close()


def once(*pieces: bytes, times: int = 1) -> Callable[[socket.socket], None]:
    """Answer with these bytes, the last of them so many times, and hang up."""

    def behave(client: socket.socket) -> None:
        client.recv(65_536)
        for piece in pieces[:-1]:
            client.sendall(piece)
        for _ in range(times):
            client.sendall(pieces[-1])

    return behave


def packed(data: bytes, kind: bytes) -> bytes:
    """Return an answer whose body was packed."""
    return HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(data)) + data


@cache
def zeros(size: int, wbits: int) -> bytes:
    """Return so many zeros, packed."""
    packer = zlib.compressobj(9, wbits=wbits)
    return b"".join([*(packer.compress(bytes(MB)) for _ in range(size // MB)), packer.flush()])


BOMBS: dict[str, Callable[[], Callable[[socket.socket], None]]] = {
    "gzip": lambda: once(packed(zeros(512 * MB, 31), b"gzip")),
    "deflate": lambda: once(packed(zeros(512 * MB, 15), b"deflate")),
    "gzip in gzip": lambda: once(packed(gzip.compress(zeros(512 * MB, 31)), b"gzip, gzip")),
    "many packings": lambda: once(packed(b"x", b", ".join([b"gzip"] * 1_000))),
    "endless body": lambda: once(HEAD + b"\r\n", b"x" * 65_536, times=5_000),
    "endless chunks": lambda: once(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000, times=5_000
    ),
    "a chunk that is promised": lambda: once(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", b"x" * 65_536, times=500
    ),
    "an endless line of a chunk": lambda: once(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 65_536, times=500
    ),
    "endless headers": lambda: once(HEAD, b"X-A: b\r\n" * 1_000, times=5_000),
    "an endless header": lambda: once(HEAD + b"X-A: ", b"b" * 65_536, times=5_000),
    "large headers": lambda: once(HEAD, b"X-A: " + b"b" * 60_000 + b"\r\n", times=99),
    "an endless status": lambda: once(b"HTTP/1.1 200 ", b"x" * 65_536, times=5_000),
    "continue for ever": lambda: once(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000, times=5_000),
    "continue with headers": lambda: once(
        b"HTTP/1.1 100 Continue\r\n" + b"X-A: b\r\n" * 90 + b"\r\n", times=50_000
    ),
    "HTTP/0.9": lambda: once(b'{"id": "1"}'),
    "nothing but line ends": lambda: once(b"\r\n" * 10_000, times=1_000),
    "another protocol": lambda: once(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "an early hint alone": lambda: once(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "an early hint, then the answer": lambda: once(
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + HEAD + b'Content-Length: 11\r\n\r\n{"id": "1"}'
    ),
    "another protocol from now on": lambda: once(
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", b"x"
    ),
    "less than was promised": lambda: once(HEAD + b'Content-Length: 99\r\n\r\n{"id": "1"}'),
    "a status that is none": lambda: once(b"HTTP/1.1 0 No\r\n\r\n"),
    "two lengths": lambda: once(
        HEAD + b'Content-Length: 11\r\nContent-Length: 7\r\n\r\n{"id": "1"}'
    ),
    "a chunk of no length": lambda: once(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n"),
    "broken packing": lambda: once(packed(b"no gzip", b"gzip")),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_no_answers(server: Server, bomb: str, call: Call) -> None:
    """It may have been accepted; finding that out takes little time and little memory."""
    server.behave = BOMBS[bomb]()
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(http.NoResponse):
        call("POST", server.url, timeout=4, json={})
    assert time.monotonic() - started < 15
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 96 * 1024  # KiB


def test_no_answer_is_taken_for_the_next_one(server: Server, call: Call) -> None:
    """More than was promised: what comes behind an answer answers nothing."""
    lie = HEAD + b'Content-Length: 11\r\n\r\n{"id": "1"}' + HEAD + b"Content-Length: 2\r\n\r\n{}"

    def behave(client: socket.socket) -> None:
        while client.recv(65_536):
            client.sendall(lie)

    server.behave = behave
    for _ in range(5):
        assert call("POST", server.url, timeout=2, json={}).data == {"id": "1"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "there", ["http://127.0.0.1:1/", "//169.254.169.254/", "\ufffd", "file:///"]
)
def test_redirects_with_bodies(server: Server, status: int, there: str, call: Call) -> None:
    """They are read and followed nowhere."""
    location = there.encode("latin-1", "replace")
    server.behave = once(
        b"HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 2\r\n\r\n{}" % (status, location)
    )
    answer = call("POST", server.url, timeout=2, json={})
    assert (answer.status, answer.data) == (status, {})
    assert server.connections == 1


def test_headers_are_fit_to_be_kept(server: Server, call: Call) -> None:
    """Controls in them are replaced, and none is long."""
    long = b"X-Request-Id: a\x01b\x85" + b"c" * 40_000
    server.behave = once(HEAD + long + b"\r\nContent-Length: 2\r\n\r\n{}")
    told = call("POST", server.url, timeout=2, json={}).header("x-request-id") or ""
    assert told.startswith("a\ufffdb\ufffdc")
    assert len(told) == http.MAX_HEADER


# Every network

GOOD: dict[str, dict[str, Any]] = {
    "x": {"data": {"id": "1"}},
    "mastodon": {"id": "1", "url": "https://a.example/1"},
    "bluesky": {
        "uri": f"at://{bluesky.DID}/app.bsky.feed.post/3n2t2guek6k22",
        "cid": "bafyreia",
    },
    "facebook": {"id": "1_2", "permalink_url": "https://www.facebook.com/1_2"},
}


def opened(name: str, url: str) -> tuple[Network, dict[str, Any]]:
    """Return a network at an address, and credentials there."""
    if name == "x":
        return x_at(url), dict(OAUTH2)
    if name == "mastodon":
        return mastodon.mastodon(SEND_TIMEOUT=15.0), mastodon.credentials_at(url)
    if name == "bluesky":
        return bluesky.bluesky_at(url), bluesky.credentials_at(url)
    keys = {"FACEBOOK_CLIENT_ID": "1", "FACEBOOK_CLIENT_SECRET": "s"}
    addresses = {"FACEBOOK_GRAPH_URL": url, "FACEBOOK_DIALOG_URL": f"{url}/dialog"}
    facebook = Facebook({**keys, **addresses, "SEND_TIMEOUT": 15.0, "SANDBOX": ()})
    return facebook, {"access_token": "t", "page_id": "1"}


def with_id(name: str, remote_id: str) -> str:
    """Return a create answer, as text, whose id is this JSON."""
    good = dict(GOOD[name])
    place = {"x": "data", "bluesky": "uri"}.get(name, "id")
    good[place] = "HERE"
    return json.dumps(good).replace(
        '"HERE"', f'{{"id": {remote_id}}}' if name == "x" else remote_id
    )


BAD_IDS = [
    *('"1\\u0000"', '"\\ud800"', '"' + "1" * 5_000 + '"', "true", "1.5", "1e999", "NaN", "{}"),
    *("[]", "null", '""', '"\\n"', "9" * 5_000, '"\\u202e1"', "[" * 5_000, '"1\0"'),
]


@pytest.mark.parametrize("name", GOOD)
def test_unusable_ids_are_looked_up(scripted: ScriptedServer, name: str) -> None:
    """Accepted under an id that is none: look before anything else."""
    network, credentials = opened(name, scripted.url)
    body = network.body(part("hello"), {})
    for bad in BAD_IDS:
        scripted.seen.clear()
        scripted.answers = [(201, with_id(name, bad).encode())]
        outcome = created(network, credentials, body, http.boottime() + 60)
        assert (outcome.kind, outcome.remote_id) == (OutcomeKind.AMBIGUOUS, None), bad


GARBAGE = '"\\u0000\\ud800": {{"\\ud800": "\\u0000"}}, "n": [1e999, NaN, {}], "deep": {}'.format(
    "9" * 5_000,
    "[" * 50 + "]" * 50,
)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("url", ['"javascript:alert(1)"', '"https://a/\\u0000"', "5", "{}", '"x"'])
def test_a_usable_id_is_enough(scripted: ScriptedServer, name: str, url: str) -> None:
    """Whatever stands beside it, it was accepted."""
    network, credentials = opened(name, scripted.url)
    good = {key: value for key, value in GOOD[name].items() if key not in {"url", "permalink_url"}}
    odd = f'{{"url": {url}, "uri": {url}, "permalink_url": {url}, {GARBAGE}, '
    scripted.answers = [(200, (odd + json.dumps(good)[1:]).encode())]
    body = network.body(part("hello"), {})
    outcome = created(network, credentials, body, http.boottime() + 60)
    assert outcome.kind == OutcomeKind.OK
    assert outcome.remote_id
    assert (outcome.remote_url or "https://").startswith(("https://", f"{scripted.url}/"))
    assert "\ufffd" not in (outcome.remote_url or "")


ODD_JSON = [
    *("[]", "{}", "null", "5", '"x"', "true", "NaN", "[" * 100_000, "", "<html>"),
    *('{"data": []}', '{"data": 5}', '{"data": {"id": 1e999, "username": []}}'),
    '{"data": {"id": "1", "username": {"a": 1}}, "id": "1", "username": 5, "did": 5}',
    '{"id": "\\u0000", "username": "\\ud800", "name": "x"}',
    '{"did": "did:plc:a", "handle": "\\ud800", "accessJwt": [], "refreshJwt": "\\u0000"}',
    '{"error": {"code": 1e999, "message": [], "error_subcode": NaN}, "data": [null, 5, []]}',
    '{"error": "\\ud800", "error_description": {"\\u0000": 1}, "errors": [5, {"a": []}]}',
    '{"errors": {"0": 1}, "detail": ["\\u0000"], "title": 5, "type": {"a": 1}, "code": [1]}',
    '{"configuration": {"statuses": {"max_characters": 1e999}, "media_attachments": 5}}',
    '{"configuration": [], "max_toot_chars": "\\u0000", "upload_limit": -5}',
    '{"data": [{"id": "1", "created_at": "\\u0000"}], "meta": {"next_token": {}}}',
    '{"data": [{"id": {}, "created_time": "9999-99-99"}], "paging": {"next": 5, "cursors": []}}',
    '[{"id": "1", "content": 5, "created_at": 5}]',
    '[{"id": "1", "content": "x", "created_at": "9999-12-31T23:59:59-23:59", "application": 5}]',
    "[5, null]",
    '{"uri": 5, "cid": "x", "value": {"reply": 5, "text": []}}',
]
EXPECTED = (LookUpFailed, LookUpRefused, TokenRefused, RefreshUnclear, ConnectRefused)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("status", [200, 401, 422, 500])
def test_nothing_that_is_read_is_a_surprise(
    scripted: ScriptedServer, name: str, status: int
) -> None:
    """Every call of every network ends as it may: a value, or one of its own exceptions."""
    network, credentials = opened(name, scripted.url)
    body = network.body(part("hello"), {})
    since = part("x").started_at
    calls: list[Callable[[], Any]] = [
        lambda: network.who_am_i(credentials),
        lambda: network.limits(credentials),
        lambda: network.recent(credentials, bluesky.DID, since, [body]),
        lambda: created(network, credentials, body, http.boottime() + 60),
        lambda: network.revoke(credentials),
        lambda: network.prepare(credentials, "hello @ana.example.com"),
    ]
    said: list[str] = []
    if network.can_refresh(credentials):
        calls.append(lambda: network.refresh(credentials))
    for odd in ODD_JSON:
        scripted.play = lambda _seen, odd=odd: (status, odd.encode())
        for make in calls:
            try:
                make()
            except EXPECTED as error:
                said.append(str(error))
    assert all(len(words) <= 300 for words in said)
    assert "".join(said).encode()


@pytest.mark.parametrize("expires", [-5, 0, 10**30, "x", "inf", 1.5e300, {}, True, None, 7200])
def test_tokens_of_strangers(scripted: ScriptedServer, expires: Any) -> None:
    """A fresh token with any end is kept; one that no header carries is none."""
    x = x_at(scripted.url)
    fresh = {"access_token": "fresh", "refresh_token": "next", "expires_in": expires}
    scripted.answers = [(200, fresh), (200, {**fresh, "access_token": "a\nb"})]
    new = x.refresh(OAUTH2)
    assert (new["access_token"], new["refresh_token"]) == ("fresh", "next")
    assert x.is_expired(new) is False
    with pytest.raises((RefreshUnclear, TokenRefused)):
        x.refresh(OAUTH2)


def test_a_sign_in_that_is_a_bomb(server: Server) -> None:
    """What the library for signing in asks is bounded like everything else."""
    x = x_at(server.url.rstrip("/"))
    consent = x.begin({}, "http://127.0.0.1:8000/login/x/callback")
    assert not isinstance(consent, list)
    callback = {"state": consent.memory["state"], "code": "code"}
    for bomb in ("gzip", "endless body", "continue for ever", "HTTP/0.9"):
        server.behave = BOMBS[bomb]()
        with pytest.raises(LookUpFailed):
            x.finish(consent.memory, callback, "http://127.0.0.1:8000/login/x/callback")


@pytest.mark.parametrize("odd", ODD_JSON)
def test_a_sign_in_that_says_nothing(scripted: ScriptedServer, odd: str) -> None:
    """The library for signing in is given garbage: it ends without an account."""
    x = x_at(scripted.url)
    consent = x.begin({}, "http://127.0.0.1:8000/login/x/callback")
    assert not isinstance(consent, list)
    callback = {"state": consent.memory["state"], "code": "code"}
    for status in (200, 400, 500):
        scripted.play = lambda _seen, status=status: (status, odd.encode())
        with pytest.raises((ConnectRefused, LookUpFailed)):
            x.finish(consent.memory, callback, "http://127.0.0.1:8000/login/x/callback")


def test_accounts_of_strangers() -> None:
    """A connection whose secrets are usable is one."""
    assert Connection(Profile("1", "ana"), {"access_token": "t", "version": "4.4 (é)"}).profile


LONG = ["a" * 100_000, "a." * 50_000, "a-" * 50_000, " " * 100_000, "@a" * 50_000]
LONG += ["a.com " * 16_000, "https://t.co/a " * 6_000, "é." * 50_000, "<a " * 30_000]


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_long_words_cost_no_minute(scripted: ScriptedServer, name: str) -> None:
    """What a server says of an error, or calls somebody, is cut before it is looked at closely."""
    network, credentials = opened(name, scripted.url)
    body = network.body(part("hello"), {})
    for said in LONG:
        error: dict[str, Any] = {"code": 100, "message": said, "fbtrace_id": said}
        answer = json.dumps(
            {
                "error": error if name == "facebook" else said,
                **dict.fromkeys(("message", "error_description", "detail", "id", "did"), said),
                "data": {"id": "1", "username": said, "name": said, "profile_image_url": said},
                **dict.fromkeys(("username", "display_name", "avatar", "handle", "type"), said),
            }
        ).encode()
        for status in (200, 400, 403):
            scripted.play = lambda _seen, status=status, answer=answer: (status, answer)
            started = time.process_time()
            created(network, credentials, body, http.boottime() + 60)
            with contextlib.suppress(*EXPECTED):
                network.who_am_i(credentials)
            with contextlib.suppress(*EXPECTED):
                network.recent(credentials, bluesky.DID, part("x").started_at, [body])
            assert time.process_time() - started < 10, (said[:20], status)


def test_long_tweets_cost_no_minute(scripted: ScriptedServer) -> None:
    """Nor does what X shows of a timeline."""
    x = x_at(scripted.url)
    body = x.body(part("hello"), {})
    for said in LONG:
        post = {"id": "1", "text": said, "created_at": "2026-11-21T12:00:00Z"}
        scripted.play = lambda _seen, post=post: (200, json.dumps({"data": [post]}).encode())
        started = time.process_time()
        assert x.recent(OAUTH2, "1", part("x").started_at, [body])
        assert time.process_time() - started < 15, said[:20]


@pytest.mark.parametrize("told", ["-5", "0", '"500"', "true", "1e300", "1e999", "{}", "9" * 400])
def test_limits_that_are_none(scripted: ScriptedServer, told: str) -> None:
    """A server that says how much fits in no number is taken to be a usual one."""
    network, credentials = opened("mastodon", scripted.url)
    media = f'{{"image_size_limit": {told}, "image_matrix_limit": {told}}}'
    statuses = f'{{"max_characters": {told}, "characters_reserved_per_url": {told}}}'
    instance = f'{{"configuration": {{"statuses": {statuses}, "media_attachments": {media}}}}}'
    scripted.answers = [(200, instance.encode())]
    assert network.limits(credentials) == network.usual_limits
