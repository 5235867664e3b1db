"""One call: a deadline for the whole of it, and an honest word on whether it left."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from app.networks import http
from tests.support.creates import Call

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Serve = Callable[[socket.socket], None]


class Server:
    """A socket that counts connections and requests."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.behave: Serve = self.answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def answer(self, client: socket.socket) -> None:
        """Answer for as long as the client asks."""
        while client.recv(65_536):
            self.requests += 1
            client.sendall(OK)

    def close(self) -> None:
        """Stop listening, and wake up whoever waits for a connection."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                self.behave(client)
            except OSError:
                return


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on loopback."""
    server = Server()
    yield server
    server.close()


def test_refused_connection_was_not_sent(call: Call) -> None:
    """Nobody listens: not one byte left."""
    with pytest.raises(http.NotSent):
        call("POST", "http://127.0.0.1:1/", timeout=2, json={})


def test_unknown_name_was_not_sent(call: Call) -> None:
    """The name does not resolve: not one byte left."""
    with pytest.raises(http.NotSent):
        call("POST", "http://nobody.invalid/", timeout=5, json={})


def test_the_start_deadline_stops_a_call_before_its_first_byte(server: Server, call: Call) -> None:
    """Too late to start: the server sees a connection at most, never a request."""
    with pytest.raises(http.TooLateToStart):
        call("POST", server.url, timeout=2, start_by=http.boottime() - 1, json={})
    assert server.requests == 0


def closes(client: socket.socket) -> None:
    """Read, then hang up."""
    client.recv(65_536)


def truncates(client: socket.socket) -> None:
    """Promise more than is sent."""
    client.recv(65_536)
    client.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 200\r\n\r\n{")


def drips(client: socket.socket) -> None:
    """Send one byte at a time, each well within any timeout of a single read."""
    client.recv(65_536)
    for byte in OK + b" " * 100:
        client.sendall(bytes([byte]))
        time.sleep(0.1)


def hangs(client: socket.socket) -> None:
    """Read and say nothing."""
    client.recv(65_536)
    client.recv(1)


@pytest.mark.parametrize("behave", [closes, truncates, drips, hangs])
def test_no_complete_answer_is_unknown(server: Server, behave: Serve, call: Call) -> None:
    """Written but not answered in full and in time: unknown, after the deadline at the latest."""
    server.behave = behave
    started = time.monotonic()
    with pytest.raises(http.NoResponse):
        call("POST", server.url, timeout=1, json={})
    assert time.monotonic() - started < 10
    assert server.connections == 1


def test_a_connection_is_kept_for_two_seconds_only(server: Server, call: Call) -> None:
    """A second call soon after uses the connection; a later one makes its own."""
    call("GET", server.url, timeout=2)
    call("GET", server.url, timeout=2)
    assert server.connections == 1
    time.sleep(http.KEEP_SECONDS + 0.1)  # the age of a connection is the condition
    call("GET", server.url, timeout=2)
    assert server.connections == 2


def test_a_connection_is_not_kept_while_the_machine_sleeps(
    server: Server, monkeypatch: pytest.MonkeyPatch, call: Call
) -> None:
    """Its server has closed it long ago: what is written there would be in doubt."""
    call("GET", server.url, timeout=2)
    true_clock = time.clock_gettime
    asleep = {getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC): 3600.0}
    monkeypatch.setattr(time, "clock_gettime", lambda at: true_clock(at) + asleep.get(at, 0))
    call("GET", server.url, timeout=2)
    assert server.connections == 2


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_connection_that_is_not_kept_is_read_to_its_end(
    server: Server, version: bytes, call: Call
) -> None:
    """A server may close after its answer, and send it in pieces."""
    head = b"HTTP/%s 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n" % version

    def closes_after(client: socket.socket) -> None:
        client.recv(65_536)
        client.sendall(head)
        time.sleep(0.2)  # so that the head is read before the rest comes
        client.sendall(b"{}")

    for _ in range(2):
        server.behave = closes_after
        assert call("POST", server.url, timeout=2, json={}).data == {}


def test_redirects_are_not_followed(server: Server, call: Call) -> None:
    """A create must not wander off."""

    def redirects(client: socket.socket) -> None:
        while client.recv(65_536):
            client.sendall(b"HTTP/1.1 307 There\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n")

    server.behave = redirects
    assert call("POST", server.url, timeout=2, json={}).status == 307
