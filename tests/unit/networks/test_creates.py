"""Create calls on an event loop: what threads never have, cancelled and simultaneous calls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from requests_oauthlib import OAuth1

from app.networks import http
from app.networks.http import creates
from tests.support.creates import finish
from tests.support.scripted import ScriptedServer
from tests.unit.networks.test_http import OK, Server, closes, hangs

T = TypeVar("T")
SECRET = "token-of-ana"


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on loopback that behaves as a test says."""
    server = Server()
    yield server
    server.close()


def on_a_loop(make: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine on an event loop of its own, and end both as a worker does."""

    async def whole() -> T:
        try:
            return await make()
        finally:
            await http.close()

    return finish(whole())


async def post(url: str, **more: Any) -> http.Response:
    """Make a create call that may take two seconds."""
    bounds: dict[str, Any] = {"timeout": 2.0, "json": {}, "start_by": http.boottime() + 60}
    return await http.send("POST", url, **{**bounds, **more})


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer each request with what it says, a little later."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.findall(rb"Content-Length: (\d+)", head)[0])
            body = await reader.readexactly(length)
            await asyncio.sleep(0.1)
            writer.write(b"HTTP/1.1 201 Made\r\nContent-Length: %d\r\n\r\n" % length + body)
    writer.close()


def test_many_at_once() -> None:
    """Every call gets its own answer, on new connections and on those that others left."""

    async def all_of_them() -> list[list[http.Response]]:
        served = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=500)
        port = served.sockets[0].getsockname()[1]
        waves = []
        for wave in range(2):
            numbers = range(wave * 200, wave * 200 + 200)
            url = f"http://127.0.0.1:{port}/"
            calls = [post(url, timeout=30.0, json={"n": n}) for n in numbers]
            waves.append(await asyncio.gather(*calls))
        await http.close()
        served.close()
        return waves

    first, second = on_a_loop(all_of_them)
    assert [answer.data["n"] for answer in [*first, *second]] == list(range(400))


def test_a_cancelled_call_leaves_no_connection(server: Server) -> None:
    """Its answer may still come: nobody else may read it."""
    taken: list[bytes] = []

    def answers_late(client: socket.socket) -> None:
        while data := client.recv(65_536):
            taken.append(data)
            time.sleep(0.3)
            client.sendall(OK)

    server.behave = answers_late

    async def cancelled() -> http.Response:
        first = asyncio.create_task(post(server.url))
        while not taken:
            await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await post(server.url)

    assert on_a_loop(cancelled).data == {}
    assert (server.connections, len(taken)) == (2, 2)


def test_cancelled_before_it_began(server: Server) -> None:
    """While the name is looked up nothing is written, and nothing will be."""

    def slow(_host: str, _port: int, _seconds: float) -> list[str]:
        time.sleep(0.2)
        return ["127.0.0.1"]

    async def cancelled() -> None:
        url = server.url.replace("127.0.0.1", "slow.invalid")
        first = asyncio.create_task(post(url, resolve=slow))
        await asyncio.sleep(0.05)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await asyncio.sleep(0.3)

    on_a_loop(cancelled)
    assert (server.connections, server.requests) == (0, 0)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_kept_connection_that_its_server_closes(server: Server, method: str) -> None:
    """The next call makes its own connection, or nobody knows; no call is ever made twice."""
    asked: list[bytes] = []

    def answers_once(client: socket.socket) -> None:
        asked.append(client.recv(65_536))
        client.sendall(OK)
        asked.append(client.recv(65_536))  # and close without an answer

    server.behave = answers_once

    async def twice() -> None:
        await http.send(method, server.url, timeout=2, json={"n": 1})
        with pytest.raises(http.NoResponse):
            await http.send(method, server.url, timeout=2, json={"n": 2})

    on_a_loop(twice)
    assert len([data for data in asked if b'"n": 2' in data]) == 1


def test_a_closed_connection_is_not_written_to(server: Server) -> None:
    """Also when the loop has not heard of its end yet."""

    def answers_and_closes(client: socket.socket) -> None:
        client.recv(65_536)
        server.requests += 1
        client.sendall(OK)

    server.behave = answers_and_closes

    async def twice() -> None:
        await post(server.url)
        time.sleep(0.2)  # the loop is busy with something else
        await post(server.url)

    on_a_loop(twice)
    assert (server.connections, server.requests) == (2, 2)


def test_what_comes_after_an_answer_is_no_answer(server: Server) -> None:
    """A second answer that comes late belongs to no call."""

    def answers_twice(client: socket.socket) -> None:
        client.recv(65_536)
        client.sendall(OK)
        time.sleep(0.1)
        client.sendall(OK.replace(b"{}", b"[]"))
        client.recv(65_536)

    server.behave = answers_twice

    async def twice() -> list[Any]:
        first = await post(server.url)
        await asyncio.sleep(0.3)
        return [first.data, (await post(server.url)).data]

    assert on_a_loop(twice) == [{}, {}]
    assert server.connections == 2


def test_it_is_too_late_once_the_server_is_reached(server: Server) -> None:
    """The deadline is looked at before the first byte, however long connecting took."""

    def slow(_host: str, _port: int, _seconds: float) -> list[str]:
        time.sleep(0.3)
        return ["127.0.0.1"]

    async def late() -> None:
        url = server.url.replace("127.0.0.1", "slow.invalid")
        with pytest.raises(http.TooLateToStart):
            await post(url, resolve=slow, start_by=http.boottime() + 0.1)
        assert (await post(server.url)).status == 200

    on_a_loop(late)
    assert (server.connections, server.requests) == (2, 1)


@pytest.mark.parametrize("size", [10, 100_000, 3_000_000])
def test_too_late_for_a_body_of_any_size(server: Server, size: int) -> None:
    """However it would be written, not one byte of it is."""

    async def late() -> None:
        with pytest.raises(http.TooLateToStart):
            await post(server.url, json=None, data=b"x" * size, start_by=http.boottime() - 1)

    on_a_loop(late)
    assert server.requests == 0


def test_silence_after_the_first_byte(server: Server) -> None:
    """The body is too large for a server that reads little: something was written, so unknown."""
    server.behave = lambda client: (client.recv(10), time.sleep(3))[1]

    async def stuck() -> None:
        started = time.monotonic()
        with pytest.raises(http.NoResponse, match="deadline"):
            await post(server.url, timeout=1.0, json=None, data=b"x" * 20_000_000)
        assert time.monotonic() - started < 2.5

    on_a_loop(stuck)


def test_a_name_server_that_is_silent(server: Server) -> None:
    """It ends with the time for connecting; other calls go on meanwhile, and ask it only once."""
    asked: list[str] = []

    def silent(host: str, _port: int, _seconds: float) -> list[str]:
        asked.append(host)
        time.sleep(0.6)
        raise OSError("no name server")

    async def together() -> list[Any]:
        stuck = [
            post("http://stuck.invalid/", resolve=silent, connect_timeout=0.3) for _ in range(50)
        ]
        return await asyncio.gather(*stuck, post(server.url), return_exceptions=True)

    *failed, answer = on_a_loop(together)
    assert {type(error) for error in failed} == {http.NotSent}
    assert answer.status == 200
    assert asked == ["stuck.invalid"]


def test_private_addresses(server: Server) -> None:
    """By name, as an address, or on a connection that another call left there."""
    url, port = server.url, server.url.rstrip("/").rpartition(":")[2]

    def inside(_host: str, _port: int, _seconds: float) -> list[str]:
        return ["198.41.0.4", "127.0.0.1"]

    async def refused() -> None:
        await post(url)
        for private in (url, f"http://localhost:{port}/", f"http://[::1]:{port}/"):
            with pytest.raises(http.PrivateAddress):
                await post(private, public_only=True)
        with pytest.raises(http.PrivateAddress):
            await post(f"http://a.example:{port}/", public_only=True, resolve=inside)

    on_a_loop(refused)
    assert (server.connections, server.requests) == (1, 1)


def test_a_kept_connection_into_a_private_network(server: Server) -> None:
    """What was reached by name for one call is looked at again for the next."""
    port = server.url.rstrip("/").rpartition(":")[2]

    def inside(_host: str, _port: int, _seconds: float) -> list[str]:
        return ["127.0.0.1"]

    async def refused() -> None:
        await post(f"http://a.example:{port}/", resolve=inside)
        with pytest.raises(http.PrivateAddress):
            await post(f"http://a.example:{port}/", resolve=inside, public_only=True)

    on_a_loop(refused)
    assert (server.connections, server.requests) == (1, 1)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "http://ana:pass-word@127.0.0.1:1"])
def test_proxies_that_do_not_work(
    server: Server, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent, and nobody reads the proxy's password."""
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")

    async def refused() -> None:
        with pytest.raises(http.NotSent) as refusal:
            await post(f"{server.url}?secret=word")
        assert "word" not in str(refusal.value)

    on_a_loop(refused)
    assert server.connections == 0


def test_through_a_proxy_that_asks_who_it_is(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy gets the whole address, and the password of the environment."""
    address = scripted.url.removeprefix("http://")
    monkeypatch.setenv("http_proxy", f"http://ana:pw@{address}")
    monkeypatch.setenv("no_proxy", "")
    scripted.answers = [(200, {})]
    on_a_loop(lambda: post(f"http://far-{address.partition(':')[2]}.example/a"))
    (seen,) = scripted.seen
    assert seen.path.startswith("http://far-")
    assert seen.headers["Proxy-Authorization"] == "Basic YW5hOnB3"


def test_queries_and_tokens_are_told_to_nobody(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in errors nor in logs, whatever becomes of the call."""
    caplog.set_level(logging.DEBUG)
    auth = http.Headers(bearer=SECRET)

    async def lost() -> None:
        asyncio.get_running_loop().set_debug(True)
        for behave in (closes, hangs):
            server.behave = behave
            with pytest.raises(http.NoResponse) as unknown:
                await post(server.url, params={"q": SECRET}, auth=auth, timeout=0.5)
            assert SECRET not in str(unknown.value)
        server.behave = server.answer
        await post(server.url, params={"q": SECRET}, auth=auth)
        for url in ("http://127.0.0.1:1/", "http://nobody.invalid/"):
            with pytest.raises(http.NotSent) as refusal:
                await post(url, params={"q": SECRET}, auth=auth)
            assert SECRET not in str(refusal.value)
        with pytest.raises(http.NotSent) as refusal:
            await post(server.url, auth=http.Headers(bearer=f"{SECRET}\n"))
        assert SECRET not in str(refusal.value)

    on_a_loop(lost)
    assert SECRET not in caplog.text


def test_what_is_sent(scripted: ScriptedServer) -> None:
    """The same as in a thread: headers, query, JSON, forms, and requests that are signed."""
    scripted.play = lambda _seen: (200, {})
    signed = OAuth1("key", "secret", "token", "token-secret", nonce="1", timestamp="1")
    contents: list[dict[str, Any]] = [
        {"json": {"a": "é"}, "auth": http.Headers({"Idempotency-Key": "k"}, bearer="t")},
        {"json": {}, "params": {"fields": "a,b", "x": "1 &", "none": None}},
        {"json": [1], "auth": signed},
        {"data": {"a": "1", "b": "é"}},
        {},
    ]

    async def all_of_them() -> None:
        for content in contents:
            await http.send("POST", f"{scripted.url}/p%20q", timeout=2, **content)

    on_a_loop(all_of_them)
    for content in contents:
        http.call("POST", f"{scripted.url}/p%20q", timeout=2, **content)
    seen = [
        (one.path, one.body, sorted((name.lower(), value) for name, value in one.headers.items()))
        for one in scripted.seen
    ]
    assert seen[: len(contents)] == seen[len(contents) :]


def test_a_head_with_nul_is_no_answer(server: Server) -> None:
    """No server that works sends it: what it did is looked up."""

    def answers(client: socket.socket) -> None:
        client.recv(65_536)
        client.sendall(OK.replace(b"\r\n\r\n", b"\r\nX-A: a\0b\r\n\r\n"))

    server.behave = answers

    async def broken() -> None:
        with pytest.raises(http.NoResponse):
            await post(server.url)

    on_a_loop(broken)


def test_reads_in_threads_do_not_hold_up_the_loop(server: Server) -> None:
    """What waits for a server waits beside the calls, a few at a time."""

    async def together() -> float:
        reads = [asyncio.create_task(creates.in_thread(time.sleep, 3)) for _ in range(10)]
        started = time.monotonic()
        await post(server.url)
        took = time.monotonic() - started
        await asyncio.gather(*reads)
        return took

    assert on_a_loop(together) < 2.5
