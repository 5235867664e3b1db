"""Mastodon's client against a server that says what the test wrote down: everything it reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.networks.base import SeenPost
from app.networks.errors import LookUpFailed
from app.networks.http.calls import Response
from app.networks.mastodon.responses import allowance_left_for, reading_of, wait_in
from tests.support.mastodon import STARTED_AT, credentials_at, mastodon, piece
from tests.support.scripted import ScriptedServer

DATE = "Sat, 21 Nov 2026 12:00:00 GMT"


def status(**changes: Any) -> dict[str, Any]:
    """Return a post as a list shows it."""
    return {
        "id": "1",
        "url": "https://example.social/@ana/1",
        "created_at": "2026-11-21T12:00:01.500Z",
        "content": "<p>hello</p>",
        "media_attachments": [],
        **changes,
    }


def recent(scripted: ScriptedServer, *texts: str, **changes: Any) -> list[SeenPost]:
    """Look up these texts."""
    client, ana = mastodon(), credentials_at(scripted.url, **changes)
    bodies = [client.body(piece(text), {}) for text in texts or ("hello",)]
    return client.recent(ana, "7", STARTED_AT, bodies)


# Own posts


def test_what_is_asked(scripted: ScriptedServer) -> None:
    """Replies too, for the parts of a thread are replies; not what others wrote."""
    scripted.answers = [(200, [])]
    assert recent(scripted) == []
    (seen,) = scripted.seen
    assert seen.path == "/api/v1/accounts/7/statuses?limit=40&exclude_reblogs=true"
    assert seen.headers["Authorization"] == "Bearer token-of-ana"


def test_what_is_found(scripted: ScriptedServer) -> None:
    """With its address, its moment, and what it answers."""
    scripted.answers = [(200, [status(id=1, in_reply_to_id=5)]), (200, [])]
    (post,) = recent(scripted)
    assert post.comparable == mastodon().comparable({"status": "hello"})
    assert (post.remote_id, post.in_reply_to, post.reference) == ("1", "5", {"id": "1"})
    assert post.url == "https://example.social/@ana/1"
    assert post.created_at == STARTED_AT + timedelta(seconds=1.5)


def test_what_is_left_out(scripted: ScriptedServer) -> None:
    """Older posts, boosts, and what another app made of the same text."""
    page = [
        status(id="4", created_at="2026-11-21T12:00:00Z"),
        status(id="3", reblog={"id": "9"}),
        status(id="2", application={"name": "Web"}),
        status(id="5", application={"name": "Tweet Later"}),
        status(id="1", created_at="2026-11-21T11:59:59Z"),
    ]
    scripted.answers = [(200, page)]
    assert [post.remote_id for post in recent(scripted)] == ["4", "5"]


def test_another_app_is_told_by_mastodon_only(scripted: ScriptedServer) -> None:
    """Some imitators call every app "Web"."""
    page = [status(application={"name": "Web"}), status(created_at="2026-11-21T11:00:00Z")]
    scripted.answers = [(200, page)]
    assert len(recent(scripted, software="pleroma")) == 1


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ((200, {"id": "1", "text": "hello"}), True),
        ((200, {"id": "1", "text": "goodbye"}), False),
        ((404, {"error": "x"}), False),
        ((404, "<html>"), False),
        ((403, {"error": "x"}), False),
    ],
)
def test_the_source_decides(scripted: ScriptedServer, source: Any, found: bool) -> None:
    """HTML that does not look like the text is not the last word, where there is a source."""
    old = status(created_at="2026-11-21T11:00:00Z")
    scripted.answers = [(200, [status(content="<p><b>he</b>llo!</p>"), old]), source]
    (post,) = recent(scripted)
    assert (post.comparable == mastodon().comparable({"status": "hello"})) is found
    assert scripted.seen[1].path == "/api/v1/statuses/1/source"


@pytest.mark.parametrize(
    "answers",
    [
        [(200, {"id": "1"})],
        [(200, ["x"])],
        [(200, [status(id=None)])],
        [(200, [status(created_at="yesterday")])],
        [(200, [status(created_at=5)])],
        [(200, [status(media_attachments=[5])])],
        [(200, [status(content="<p>other</p>")]), (500, {"error": "x"})],
        [(200, [status()]), (500, {"error": "x"})],
    ],
)
def test_odd_lists(scripted: ScriptedServer, answers: Any) -> None:
    """Nothing follows from what cannot be understood: neither presence nor absence."""
    scripted.answers = answers
    with pytest.raises(LookUpFailed):
        recent(scripted)


def test_a_list_without_end(scripted: ScriptedServer) -> None:
    """A server that gives the same long page again and again is given up."""
    scripted.answers = [(200, [status()] * 20)] * 20
    with pytest.raises(LookUpFailed, match="too long"):
        recent(scripted)
    assert len(scripted.seen) == 2


def test_a_short_list_that_has_one_page(scripted: ScriptedServer) -> None:
    """Some servers give all they have, wherever the list shall begin."""
    scripted.answers = [(200, [status()])] * 2
    assert [post.remote_id for post in recent(scripted)] == ["1"]


class Pages:
    """A server whose lists have Link headers of its own making."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                last = "max_id=abc" in self.path
                body = b"[]" if last else b'[{"id": "1", "content": "", "media_attachments": []}]'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                link = '<https://evil.example/x?max_id=abc&limit=1>; rel="next"'
                self.send_header("Link", link if not last else '<https://x/>; rel="prev"')
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def pages() -> Iterator[Pages]:
    """The server."""
    server = Pages()
    yield server
    server.server.shutdown()
    server.server.server_close()


def test_pages_are_asked_of_the_same_server(pages: Pages) -> None:
    """Of the Link header only the place to go on from is believed."""
    ana = credentials_at(pages.url)
    posts = mastodon().recent(ana, "a/b", STARTED_AT, [{"media_ids": []}])
    assert [post.created_at for post in posts] == [None]
    path = "/api/v1/accounts/a%2Fb/statuses?limit=40&exclude_reblogs=true"
    assert pages.asked == [path, f"{path}&max_id=abc"]


# Waiting


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-reset": "2026-11-21T12:05:00.000000Z"}, 300),
        ({"x-ratelimit-reset": "2026-11-21T13:05:00+01:00"}, 300),
        ({"x-ratelimit-reset": "2026-11-21T12:05:00"}, 300),
        ({"x-ratelimit-reset": "Sat, 21 Nov 2026 12:05:00 GMT"}, 300),
        ({"x-ratelimit-reset": "1795262700"}, 300),
        ({"x-ratelimit-reset": "1795262700000"}, 300),
        ({"x-ratelimit-reset": "300"}, 300),
        ({"ratelimit-reset": "300"}, 300),
        ({"retry-after": "300", "x-ratelimit-reset": "7"}, 300),
        ({"retry-after": "Sat, 21 Nov 2026 12:05:00 GMT"}, 300),
        ({"retry-after": "soon", "x-ratelimit-reset": "300"}, 300),
        ({"x-ratelimit-reset": "2026-11-21T11:00:00Z"}, 1),
        ({"x-ratelimit-reset": "-5"}, 1),
        ({"x-ratelimit-reset": "9999-12-31T23:59:59Z"}, 86_400),
        ({"x-ratelimit-reset": "nan"}, None),
        ({"x-ratelimit-reset": "inf"}, None),
        ({"x-ratelimit-reset": ""}, None),
        ({}, None),
    ],
)
def test_every_way_to_tell_a_wait(headers: dict[str, str], seconds: float | None) -> None:
    """Relative to the server's own clock, at least a second, at most a day."""
    assert wait_in(Response(429, {"date": DATE, **headers}, None, "")) == seconds
    full = {"date": DATE, "x-ratelimit-remaining": "0"}
    told = {name: value for name, value in headers.items() if name != "retry-after"}
    if "retry-after" not in headers:
        assert allowance_left_for(Response(200, {**full, **told}, None, "")) == seconds
    left = {**full, **told, "x-ratelimit-remaining": "1"}
    assert allowance_left_for(Response(200, left, None, "")) is None


def test_a_server_without_a_clock() -> None:
    """Our own clock serves, then."""
    reset = (datetime.now(UTC) + timedelta(seconds=100)).isoformat()
    assert 95 < (wait_in(Response(429, {"x-ratelimit-reset": reset}, None, "")) or 0) <= 100


def test_a_read_that_comes_too_often() -> None:
    """It says when to come again, as a refused post does; other failures say nothing."""
    with pytest.raises(LookUpFailed) as failed:
        reading_of(Response(429, {"retry-after": "7"}, None, ""))
    assert failed.value.retry_after == 7
    with pytest.raises(LookUpFailed) as failed:
        reading_of(Response(503, {"retry-after": "7"}, None, ""))
    assert failed.value.retry_after is None


def test_posts_of_a_million_links_cost_no_minute(scripted: ScriptedServer) -> None:
    """Whatever is far longer than what is looked for is not it, and is not taken apart."""
    client = mastodon()
    bodies = [client.body(piece("hello"))]
    many = "a.com " * 15_000
    posts = [{"id": str(number), "content": many, "created_at": None} for number in range(40)]
    scripted.play = lambda seen: (
        200,
        {"text": many}
        if seen.path.endswith("/source")
        else ([] if "max_id" in seen.path else posts),
    )
    started = time.process_time()
    found = client.recent(credentials_at(scripted.url), "1", STARTED_AT, bodies)
    assert len(found) == 40
    assert client.comparable(bodies[0]) not in {post.comparable for post in found}
    assert time.process_time() - started < 5
