"""A network that is silent while people sign in holds up nobody else."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator

import pytest
import requests

from app.web.turns import OF_A_SERVER
from tests.conftest import MakeWorld
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server where calls arrive and nobody ever speaks."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield server


def test_pages_answer_while_a_network_is_silent(
    make_world: MakeWorld, sqlite_url: str, silent: socket.socket
) -> None:
    """Many people wait for a silent server: pages and sign-ins elsewhere go on, at another server
    of its network too, and who comes when its places are taken is told so at once.
    """
    site = make_world(sqlite_url, SEND_TIMEOUT="15").start_web()
    ana = Visitor(site)
    ana.sign_in("ana")
    form = {"csrf_token": ana.token(), "server": f"127.0.0.1:{silent.getsockname()[1]}"}
    answers: list[int] = []
    paths = itertools.cycle(["/login/mastodon", "/%6Cogin/mastodon"])  # the same to the app

    def knock() -> None:
        jar = requests.Session()
        jar.cookies.update(ana.http.cookies)
        answers.append(jar.post(f"{site}{next(paths)}", data=form, timeout=90).status_code)

    people = [threading.Thread(target=knock) for _ in range(OF_A_SERVER + 8)]
    for person in people:
        person.start()
    wait_for(lambda: len(answers) == 8, what="the answers to those who find no place")
    assert set(answers) == {503}
    assert ana.get("/").status_code == ana.get("/accounts").status_code == 200
    assert "@ana.test" in ana.connect("bluesky", "ana").text
    assert "@ana@127.0.0.1" in ana.connect("mastodon", "ana").text
    assert len(answers) == 8  # the others still wait
    silent.close()
    for person in people:
        person.join()
    assert sorted(answers) == [502] * OF_A_SERVER + [503] * 8
