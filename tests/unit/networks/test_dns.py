"""Name look-ups end with the call that needs them, whatever the name server does."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from app.networks import http
from app.networks.http.addresses import public_https_url
from app.networks.http.dns import Names
from tests.support.scripted import ScriptedServer
from tests.support.waiting import wait_for


class NameServer:
    """Answers nothing about some names until it may."""

    def __init__(self, *silent: str) -> None:
        self.silent = silent
        self.asked: Counter[str] = Counter()
        self.may_answer = threading.Event()

    def ask(self, host: str, _port: int) -> list[str]:
        """Return an address of this machine."""
        self.asked[host] += 1
        if host.endswith(self.silent):
            self.may_answer.wait(30)
        return ["127.0.0.1"]


@pytest.mark.parametrize("public_only", [False, True])
def test_a_call_ends_while_its_name_is_looked_up(public_only: bool) -> None:
    """The name server is silent: nothing was sent, and that is said when the time is over."""
    server = NameServer("silent.example")
    names, started = Names(server.ask), time.monotonic()
    with pytest.raises(http.NotSent, match="took too long"):
        http.call(
            "POST",
            "http://silent.example/",
            timeout=0.5,
            public_only=public_only,
            resolve=names.addresses_of,
            json={},
        )
    assert time.monotonic() - started < 2
    server.may_answer.set()


def test_whoever_types_a_silent_name_is_told() -> None:
    """The form is answered: this is no server that we can reach."""
    server = NameServer("silent.example")
    names, started = Names(server.ask), time.monotonic()
    with pytest.raises(ValueError, match="too long"):
        public_https_url(
            "silent.example", False, lambda host, port: names.addresses_of(host, port, 0.3)
        )
    assert time.monotonic() - started < 2
    server.may_answer.set()


def test_a_silent_name_takes_one_thread() -> None:
    """However many ask for it; who comes later waits for the same answer."""
    server = NameServer("silent.example")
    names = Names(server.ask)
    for _ in range(20):
        with pytest.raises(TimeoutError):
            names.addresses_of("Silent.example", 443, 0.01)
    assert server.asked == {"silent.example": 1}
    server.may_answer.set()
    wait_for(lambda: names.addresses_of("silent.example", 443, 5) == ["127.0.0.1"], what="it")


def test_silent_names_leave_room_for_others() -> None:
    """Whoever owns a name can invent a thousand below it: they share a few threads."""
    server = NameServer("evil.example")
    names = Names(server.ask, most=20, of_a_zone=5)
    for number in range(30):
        with pytest.raises(TimeoutError):
            names.addresses_of(f"n{number}.evil.example", 443, 0.01)
    assert server.asked.total() == 5
    assert names.addresses_of("honest.test", 443, 5) == ["127.0.0.1"]
    server.may_answer.set()
    wait_for(lambda: names.addresses_of("n99.evil.example", 443, 5), what="room again")


def test_names_that_raise() -> None:
    """Whatever the system says of a name, it has no address."""
    for name in ("a" * 70 + ".example", "a\0b.example", ".", "nobody.invalid", "\ud800.example"):
        with pytest.raises(OSError, match=r"."):
            Names().addresses_of(name, 443, 10)


def test_a_name_leads_where_it_was_checked(scripted: ScriptedServer) -> None:
    """It is looked up once for each connection, and the server still hears its name."""
    asked: list[str] = []

    def resolve(host: str, _port: int, _seconds: float) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["198.51.100.1"]

    scripted.answers = [(200, {"id": "1"})]
    port = scripted.url.rpartition(":")[2]
    url = f"http://rebinding.example:{port}/"
    assert http.call("GET", url, timeout=2, resolve=resolve).data == {"id": "1"}
    assert asked == ["rebinding.example"]
    assert scripted.seen[0].headers["Host"] == f"rebinding.example:{port}"


def test_a_name_that_leads_into_a_private_network(scripted: ScriptedServer) -> None:
    """One private address among its addresses is enough; nobody is connected to."""
    port = scripted.url.rpartition(":")[2]
    for private in (
        "127.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "10.0.0.1",
    ):
        with pytest.raises(http.PrivateAddress):
            http.call(
                "GET",
                f"http://rebinding.example:{port}/",
                timeout=2,
                public_only=True,
                resolve=lambda *_, address=private: ["198.41.0.4", address],
            )
    assert scripted.seen == []


def test_many_dead_addresses_share_the_deadline() -> None:
    """A name may have fifty addresses at which nobody answers: the call ends in time."""
    dead = [f"192.0.2.{number}" for number in range(1, 51)]
    started = time.monotonic()
    with pytest.raises(http.NotSent):
        http.call("GET", "http://many.example/", timeout=1, resolve=lambda *_: dead)
    assert time.monotonic() - started < 2.5


def test_a_second_address_is_tried(scripted: ScriptedServer) -> None:
    """The first one is dead: the next one is asked within the same call."""
    scripted.answers = [(200, {})]
    url = f"http://two.example:{scripted.url.rpartition(':')[2]}/"
    found = http.call("GET", url, timeout=4, resolve=lambda *_: ["127.0.0.9", "127.0.0.1"])
    assert found.status == 200
