"""Signing in at the same moment, at a slow network, and as an app without a secret."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import requests

from app.accounts import disconnections
from app.db import db
from app.models import Account, User
from app.states import State
from tests.conftest import MakeWorld
from tests.support.servers import Postgres
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow


@contextmanager
def no_new_accounts(url: str) -> Iterator[psycopg.Connection]:
    """Let every first sign-in find no account, and none store one, until the block ends."""
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE accounts IN SHARE MODE")
        yield connection
        connection.rollback()


def waiting_for_locks(connection: psycopg.Connection) -> int:
    """Return how many sessions wait for somebody else's lock."""
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def test_two_first_sign_ins_at_once_make_one_user(
    make_world: MakeWorld, postgres: tuple[Postgres, str]
) -> None:
    """The same new person in two windows: both are signed in, as one user with one account."""
    server, template = postgres
    url = server.url(server.create(template))
    world = make_world(url)
    site = world.start_web(processes=2)
    windows = [Visitor(site), Visitor(site)]
    for _ in range(4):  # both processes are awake before the few seconds of a lock begin
        for window in windows:
            window.get("/login/x")
    pages: list[requests.Response] = []
    threads = [
        threading.Thread(target=lambda w=window: pages.append(w.sign_in("twice")))
        for window in windows
    ]
    with no_new_accounts(url) as connection:
        for thread in threads:
            thread.start()
        wait_for(lambda: waiting_for_locks(connection) == 2, 4, "both sign-ins having found nobody")
    for thread in threads:
        thread.join()
    assert [page.status_code for page in pages] == [200, 200]
    assert all("@twice" in page.text for page in pages)
    with world.rows():
        assert User.query.count() == Account.query.count() == 1
    made = [window.post("/tweets", text=f"window {n}") for n, window in enumerate(windows)]
    assert [answer.status_code for answer in made] == [202, 202]


def test_many_first_sign_ins_at_once(small_world: World) -> None:
    """Four new people, each in three windows at once, are four users; nobody sees an error."""
    world = small_world
    site = world.start_web(processes=2)
    world.sandbox.fault("slow", "me", seconds=1, count=None)
    handles = [f"newcomer{n}" for n in range(4)] * 3
    pages: list[requests.Response] = []
    threads = [
        threading.Thread(target=lambda h=handle: pages.append(Visitor(site).sign_in(h)))
        for handle in handles
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [page.status_code for page in pages] == [200] * len(handles)
    with world.rows():
        assert User.query.count() == Account.query.count() == 4


@contextmanager
def held(url: str, statement: str) -> Iterator[psycopg.Connection]:
    """Hold a lock until the block ends."""
    with psycopg.connect(url) as connection:
        connection.execute(statement)
        yield connection
        connection.rollback()


def ids_of(world: World, handle: str) -> tuple[int, int]:
    """Return the id of a connected account and its owner's."""
    with world.rows():
        found = Account.query.filter_by(handle=handle, connected=True).one()
        return found.id, found.user_id


@pytest.mark.parametrize(
    "lock",
    ["SELECT id FROM users FOR NO KEY UPDATE", "LOCK TABLE user_sessions IN SHARE MODE"],
    ids=["found", "connected"],
)
def test_disconnecting_while_somebody_signs_in_by_it(
    make_world: MakeWorld, postgres: tuple[Postgres, str], lock: str
) -> None:
    """Whoever has the account is not its former user, however far their sign-in was."""
    server, template = postgres
    url = server.url(server.create(template))
    world = make_world(url)
    site = world.start_web()
    owner, stranger = Visitor(site), Visitor(site)
    owner.sign_in("stays")
    owner.sign_in("sold")
    account_id, owner_id = ids_of(world, "sold")
    consent = stranger.get("/login/x")  # the session's row is only written when it is opened
    pages: list[requests.Response] = []

    def enter() -> None:
        form = {"handle": "sold", "decision": "approve"}
        pages.append(stranger.http.post(consent.url, data=form, timeout=30))

    def disconnect() -> None:
        with world.rows():
            disconnections.disconnect(account_id)

    entering, leaving = threading.Thread(target=enter), threading.Thread(target=disconnect)
    with held(url, lock) as connection:
        entering.start()
        wait_for(lambda: waiting_for_locks(connection) == 1, 4, "the sign-in to wait")
        leaving.start()
        wait_for(
            lambda: waiting_for_locks(connection) == 2 or not leaving.is_alive(), 4, "both to wait"
        )
    entering.join()
    leaving.join()
    assert pages[0].status_code in {200, 400}
    assert "@stays" not in stranger.get("/accounts").text
    with world.rows():
        assert [one.handle for one in db.session.get_one(User, owner_id).accounts] == ["stays"]
    assert owner.get("/accounts", allow_redirects=False).status_code == 200


def test_a_slow_network_holds_no_transaction(
    make_world: MakeWorld, postgres: tuple[Postgres, str]
) -> None:
    """While X takes seconds over a sign-in, first or further, no transaction stays open."""
    server, template = postgres
    name = server.create(template)
    world = make_world(server.url(name), SEND_TIMEOUT="8")
    ana = Visitor(world.start_web())
    ana.sign_in("ana")
    world.sandbox.fault("slow", "code", seconds=3)
    world.sandbox.fault("slow", "me", seconds=3)
    again = threading.Thread(target=ana.sign_in, args=("ana",))
    again.start()
    open_for_long = []
    while again.is_alive():
        open_for_long.append(server.idle_in_transaction(name, seconds=1))
        time.sleep(0.1)  # samples while X thinks
    assert len(open_for_long) > 20
    assert max(open_for_long) == 0
    assert world.sandbox.calls("me") == 2
    assert "@ana" in ana.get("/").text


def test_an_app_without_a_secret(make_world: MakeWorld, sqlite_url: str) -> None:
    """A public OAuth 2.0 client signs in and refreshes with its id and PKCE alone."""
    world = make_world(sqlite_url, X_CLIENT_ID="sandbox-public", X_CLIENT_SECRET="")
    world.start_worker()
    ana = Visitor(world.start_web())
    assert "@ana" in ana.sign_in("ana").text
    world.sandbox.control("revoke", handle="ana", what="access")
    made = ana.post("/tweets", text="No secrets").json()
    assert world.until_state(made["job_id"], State.PUBLISHED).attempts == 2
    assert world.sandbox.calls("token") == 1
    with world.rows():
        account = db.session.scalars(db.select(Account)).one()
        assert account.credentials["refresh_token"]
        assert not account.needs_reconnect
    assert world.sandbox.texts() == {"No secrets": 1}
