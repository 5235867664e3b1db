"""A network that is silent while people sign in holds up nobody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests

from app.accounts.server_apps import ServerApps, has_answered
from app.web import concurrency
from tests.conftest import MakeWorld
from tests.support.mastodon import MastodonSandbox
from tests.support.visitor import Visitor
from tests.support.waiting import PROMPT, wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow

FROM = {"REMOTE_ADDR": "2001:db8:1:2:3:4:5:6"}


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server where calls arrive and nobody ever speaks."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield server


@pytest.fixture
def holes() -> Iterator[list[socket.socket]]:
    """Six such servers."""
    with ExitStack() as open_ones:
        servers = [socket.create_server(("127.0.0.1", 0), backlog=100) for _ in range(6)]
        yield [open_ones.enter_context(server) for server in servers]


@pytest.fixture
def known() -> Iterator[MastodonSandbox]:
    """A Mastodon server that is not the one that is offered."""
    server = MastodonSandbox()
    yield server
    server.close()


def begin(site: str, person: Visitor, server: str, **form: str) -> int:
    """Name a server, beside whatever else this person does; return the status of the answer."""
    jar = requests.Session()
    form = {"csrf_token": person.token(), "server": server, **form}
    jar.cookies.update(person.http.cookies)
    return jar.post(f"{site}/login/mastodon", data=form, timeout=90).status_code


def name_of(server: socket.socket) -> str:
    """Return what people type to get there."""
    return f"127.0.0.1:{server.getsockname()[1]}"


def test_pages_answer_while_a_network_is_silent(
    make_world: MakeWorld, sqlite_url: str, silent: socket.socket
) -> None:
    """Many people wait for a silent server: pages and sign-ins elsewhere go on, at another server
    of its network too, and who comes when its places are taken is told so at once.
    """
    site = make_world(sqlite_url, SEND_TIMEOUT="15").start_web()
    ana = Visitor(site)
    ana.sign_in("ana")
    answers: list[int] = []
    people = [
        threading.Thread(target=lambda: answers.append(begin(site, ana, name_of(silent))))
        for _ in range(8)
    ]
    for person in people:
        person.start()
    wait_for(lambda: len(answers) == 6, what="the answers to those who find no place")
    assert set(answers) == {503}
    assert ana.get("/").status_code == ana.get("/accounts").status_code == 200
    assert "@ana.test" in ana.connect("bluesky", "ana").text
    assert "@ana@127.0.0.1" in ana.connect("mastodon", "ana").text
    assert len(answers) == 6  # the others still wait
    silent.close()
    for person in people:
        person.join()
    assert sorted(answers) == [502] * 2 + [503] * 6


def test_silent_servers_close_no_sign_in(
    make_world: MakeWorld, sqlite_url: str, holes: list[socket.socket]
) -> None:
    """Six people name six black holes, each twice: all are given up within ten seconds, and who
    signs in at the server that is offered waits for none of them.
    """
    site = make_world(sqlite_url, SEND_TIMEOUT="15").start_web()
    victims = [Visitor(site) for _ in holes]
    for n, victim in enumerate(victims):
        victim.sign_in(f"victim{n}")
    answers: list[int] = []
    began_at = time.monotonic()
    people = [
        threading.Thread(target=lambda p=person, h=hole: answers.append(begin(site, p, name_of(h))))
        for person, hole in zip(victims, holes, strict=True)
        for _ in range(2)
    ]
    for person in people:
        person.start()
    wait_for(lambda: len(answers) == 4, what="the answers to those who find no place")
    assert set(answers) == {503}  # eight wait: a third of the network's places
    newcomer, before = Visitor(site), time.monotonic()
    assert "@ana@127.0.0.1" in newcomer.connect("mastodon", "ana").text
    assert time.monotonic() - before < PROMPT
    assert len(answers) == 4
    for person in people:
        person.join()
    assert time.monotonic() - began_at < 14
    assert sorted(answers) == [502] * 8 + [503] * 4


def test_one_visitor_cannot_take_all_places(
    make_world: MakeWorld, sqlite_url: str, holes: list[socket.socket], known: MastodonSandbox
) -> None:
    """However many servers one names, and however one spells them, signed in or not; a server from
    which somebody came back is open to others meanwhile.
    """
    world = make_world(sqlite_url, SEND_TIMEOUT="15")
    site = world.start_web()
    ben = Visitor(site)
    consent = ben.submit("/login/mastodon", server=known.url)
    ben.http.post(consent.url, data={"handle": "ben", "decision": "approve"}, timeout=20)
    with world.rows():
        assert has_answered(known.url[7:])
    spelled = [*map(name_of, holes[:3]), f"@a@{name_of(holes[0])}", f"http://{name_of(holes[0])}/x"]
    nobody, answers = Visitor(site), []
    nobody.token()  # from here on there is one session
    people = [
        threading.Thread(target=lambda s=server: answers.append(begin(site, nobody, s)))
        for server in spelled
    ]
    for person in people:
        person.start()
    wait_for(lambda: len(answers) == 3, what="the answers to those who find no place")
    assert set(answers) == {503}
    assert nobody.submit("/login/mastodon", server=known.url).url.startswith(known.url)
    for hole in holes:
        hole.close()
    for person in people:
        person.join()
    assert sorted(answers) == [502] * 2 + [503] * 3


def test_few_may_wait_for_a_proven_server_that_hangs(small_world: World) -> None:
    """Somebody came back from it once, and now it lets people wait; until it is quick again."""
    host, offered = "known.example:8443", small_world.sandbox.on("mastodon").url

    def parties(server: str) -> list[str]:
        return [party for _limiter, party in concurrency.limits_of(server)]

    with small_world.rows(), small_world.app.test_request_context(environ_base=FROM):
        assert parties("") == []
        assert parties(f"https://{host}") == ["2001:db8:1:2::/64", host]
        few = concurrency.limits_of("unknown.example")[1][0]
        assert concurrency.limits_of(host)[1][0] is few
        ServerApps().note_return(f"https://{host}", checks_codes=True)
        for name in (host, f"https://{host}/", f"@ana@{host}", f"https://{host.upper()}/about"):
            assert concurrency.limits_of(name)[1][0] is not few
        concurrency.note_wait(host, 6, answered=False)
        assert concurrency.limits_of(host)[1][0] is few
        concurrency.note_wait(host, 1, answered=False)  # an error at once says nothing
        assert concurrency.limits_of(host)[1][0] is few
        concurrency.note_wait(host, 2, answered=True)
        assert concurrency.limits_of(host)[1][0] is not few
        concurrency.note_wait(host, 12, answered=True)
        assert concurrency.limits_of(host)[1][0] is few
        assert parties(offered) == [offered.removeprefix("http://")]
        for odd in ("\u200b" * 400 + host, "x" * 100_000, "http://[", "\0", "a\0b", "\ud800"):
            assert concurrency.limits_of(odd)[1] == (few, "")


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ({}, ""),
        ({"server": "a.example"}, "a.example"),
        ({"identifier": "ana.bsky.social", "password": "x"}, ""),
        ({"identifier": "@Ana.Test"}, ""),
        ({"identifier": "ana@example.com"}, ""),
        ({"identifier": "ana"}, ""),
        ({"identifier": " @Ana.example"}, "ana.example"),
        ({"identifier": "bsky.social.evil.example"}, "bsky.social.evil.example"),
        ({"identifier": "evilbsky.social"}, "evilbsky.social"),
        ({"identifier": "did:web:evil.example"}, "did:web:evil.example"),
    ],
)
def test_which_server_was_named(
    make_world: MakeWorld, sqlite_url: str, typed: dict[str, str], named: str
) -> None:
    """A handle of one's own domain leads to a server that anybody may run."""
    world = make_world(sqlite_url, BLUESKY_URL="https://bsky.social")
    with world.rows():
        assert concurrency.named_in(typed) == named
