"""What the measures stand on: servers that only count, and accounts that are spread over them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from benchmarks import mastodon, mastodon_server, x_server
from benchmarks.mastodon_server import MastodonServers, address_of
from benchmarks.x_server import Request
from tests.support.creates import finish

HERE = "127.1.0.1"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers come at once, and a server that hangs gives up soon."""
    monkeypatch.setattr(x_server, "LATENCY", 0.0)
    monkeypatch.setattr(mastodon_server, "HANGS", 0.2)


def request(method: str, path: str, body: object = None, key: str = "") -> Request:
    """Return a request as the server reads it; made inside of a running loop."""
    headers = {"authorization": "bearer a1", "idempotency-key": key}
    payload = json.dumps(body).encode()
    return Request(method, path, headers, payload, asyncio.StreamReader(), HERE)


def post(key: str) -> Request:
    """Return the call that creates a post."""
    return request("POST", "/api/v1/statuses", {"status": "Hello"}, key)


def test_the_same_key_is_no_second_post() -> None:
    """As at Mastodon: the first post comes back, and its account sees it once."""

    async def talk() -> tuple[Any, Any, Any, Any]:
        servers = MastodonServers()
        first, again = await asyncio.gather(servers.answer(post("k")), servers.answer(post("k")))
        seen = await servers.answer(request("GET", "/api/v1/accounts/a1/statuses"))
        return first, again, seen, servers.count()[1]

    first, again, (_, posts), count = finish(talk())
    assert first == again
    assert [status["content"] for status in posts] == ["Hello"]
    assert (count["accepted"], count["doubled"]) == (1, 0)


def test_another_key_is_a_double() -> None:
    """The same text under two keys is what must never happen."""

    async def talk() -> Any:
        servers = MastodonServers()
        await servers.answer(post("one"))
        await servers.answer(post("two"))
        return servers.count()[1]

    assert finish(talk())["doubled"] == 1


def test_a_server_that_hangs_takes_requests_and_answers_none() -> None:
    """It counts how many it has at a time, and accepts nothing."""

    async def talk() -> Any:
        servers = MastodonServers()
        await servers.answer(request("PUT", "/hanging", [HERE]))
        calls = (servers.answer(post(key)) for key in "abc")
        for end in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(end, ConnectionError)
        return servers.count()[1]

    count = finish(talk())
    assert (count["accepted"], count["most_held"]) == (0, 3)


def test_accounts_are_spread_evenly() -> None:
    """Each server has the same number; of those that may hang, all together a tenth."""
    even = mastodon.Crowd(10_000, 2_000)
    assert set(Counter(map(even.server_of, range(10_000))).values()) == {5}
    some = mastodon.Crowd(10_000, 2_000, 20)
    spread = Counter(map(some.server_of, range(10_000)))
    assert set(spread) == set(range(2_000))
    assert {spread[number] for number in range(20)} == {50}
    assert {spread[number] for number in range(20, 2_000)} == {4, 5}
    assert len(some.texts(of_special=True)) == 1_000
    assert len(some.texts(of_special=False)) == 9_000


def test_every_server_has_an_address_of_its_own() -> None:
    """All of them are loopback's."""
    addresses = {address_of(number) for number in range(2_000)}
    assert len(addresses) == 2_000
    assert all(address.startswith("127.1.") for address in addresses)


@pytest.mark.parametrize(
    ("line", "errors", "without_connection"),
    [
        ("2026-01-01 10:00:00,000 WARNING app: odd", 0, 0),
        ("2026-01-01 10:00:00,000 ERROR app.workers: a publisher failed: TimeoutError", 1, 1),
        ("[2026-01-01 10:00:00,000: ERROR/MainProcess] Task publish raised", 1, 0),
        ("sqlalchemy.exc.TimeoutError: QueuePool limit of size 4 overflow 0 reached", 0, 1),
    ],
)
def test_errors_in_a_log_are_counted(line: str, errors: int, without_connection: int) -> None:
    """The app's own and Celery's."""
    assert len(mastodon.ERROR.findall(f"first\n{line}\n")) == errors
    assert len(mastodon.NO_CONNECTION.findall(line)) == without_connection
