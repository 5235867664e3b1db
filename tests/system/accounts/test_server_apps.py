"""An app is registered at a Mastodon server once, and kept where all processes find it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from app.accounts.server_apps import REGISTRATION_LEASE, WALK, ServerApps, has_answered
from app.db import database_now, db
from app.models import ConnectionApp, MastodonServer, ServerApp
from app.networks.errors import ConnectRefused
from app.networks.mastodon.apps import ANEW_REST, Known, mark_of
from tests.support.mastodon import CALLBACK, MastodonSandbox, visit
from tests.support.migrating import downgrade, upgrade
from tests.support.visitor import Visitor
from tests.support.world import World

URL = "https://example.social"
APP = {"client_id": "id-1", "client_secret": "secret-1"}


@pytest.fixture
def server() -> Iterator[MastodonSandbox]:
    """A Mastodon server that nobody has named yet."""
    server = MastodonSandbox()
    yield server
    server.close()


@pytest.fixture
def private(world: World) -> World:
    """An installation that may speak to this machine."""
    world.environ["ALLOW_PRIVATE_SERVERS"] = "1"
    return world


def begin(world: World, server: MastodonSandbox) -> Any:
    """Begin to connect, as one web process does."""
    with world.rows():
        typed = {"server": server.url}
        return world.app.extensions["networks"]["mastodon"].begin(typed, CALLBACK)


def test_people_at_the_same_moment_register_one_app(
    private: World, server: MastodonSandbox
) -> None:
    """Six people name the same new server; the server sees one registration, each gets in."""
    server.fault("slow", "token", seconds=0.5)
    ready = Barrier(6)

    def arrive(_person: int) -> Any:
        ready.wait(10)
        return begin(private, server)

    private.app  # noqa: B018 (made once, before there are threads)
    with ThreadPoolExecutor(6) as people:
        consents = list(people.map(arrive, range(6)))
    assert len({consent.memory["state"] for consent in consents}) == 6
    assert server.state()["apps"] == ["Tweet Later"]


def test_the_app_is_kept_encrypted(private: World, server: MastodonSandbox) -> None:
    """Its secret cannot be read in the database, and a new process finds it."""
    begin(private, server)
    with private.rows():
        app = ServerApps().get(server.url, f"{CALLBACK}/{server.url[7:]}")
        assert app is not None
        stored = db.session.execute(db.text("SELECT app FROM mastodon_apps")).scalar_one()
    assert app["client_secret"] not in stored


def test_a_refused_registration_holds_nobody_up(private: World, server: MastodonSandbox) -> None:
    """After a no, with all scopes and with few, the next person tries again at once."""
    server.fault("refuse", "token", count=2)
    with pytest.raises(ConnectRefused):
        begin(private, server)
    assert begin(private, server).memory["server"] == server.url


def test_whoever_dies_while_registering_is_relieved(world: World) -> None:
    """A registration that came to no end is done by the next, and the late one's is not kept."""
    apps = ServerApps()
    with world.rows():
        began = database_now() - REGISTRATION_LEASE - timedelta(seconds=1)
        db.session.add(ServerApp(server=URL, redirect_uri=CALLBACK, app={}, created_at=began))
        db.session.commit()

        def register_late() -> dict[str, Any]:
            later = database_now() + timedelta(seconds=1)
            db.session.query(ServerApp).update({"app": APP, "created_at": later})
            db.session.commit()  # somebody else took over meanwhile
            return {"client_id": "late", "client_secret": "late"}

        assert apps.made_once(URL, CALLBACK, register_late) == APP
        assert apps.get(URL, CALLBACK) == APP


def test_apps_of_the_shared_address_are_let_go(world: World) -> None:
    """They are registered anew at the next sign-in, each with its server's own address; a server
    where somebody has an account already has shown that it answers.
    """
    ana = world.user("ana", "mastodon")
    world.connect(ana, "mastodon", "ben")
    host = world.sandbox.on("mastodon").url.removeprefix("http://")
    with world.rows():
        db.session.query(MastodonServer).delete()
        db.session.commit()
        downgrade(revision="0007")
        for address in (CALLBACK, f"{CALLBACK}/example.social"):
            row = {"redirect_uri": address, "app": APP, "created_at": database_now()}
            db.session.execute(db.insert(ServerApp).values(server=URL, **row))
        db.session.commit()
        upgrade()
        assert ServerApps().get(URL, CALLBACK) is None
        assert ServerApps().get(URL, f"{CALLBACK}/example.social") == APP
        assert has_answered(host)
        assert not has_answered("example.social")
        (row,) = db.session.scalars(db.select(MastodonServer))
        assert (row.checks_codes, abs(row.answered_at - database_now()) < timedelta(minutes=1)) == (
            None,
            True,
        )


def test_only_the_very_app_is_forgotten(world: World) -> None:
    """An app that took its place stays."""
    apps = ServerApps()
    with world.rows():
        apps.made_once(URL, CALLBACK, lambda: APP)
        apps.forget(URL, CALLBACK, {**APP, "client_id": "older"})
        assert apps.get(URL, CALLBACK) == APP
        apps.forget(URL, CALLBACK, APP)
        assert apps.get(URL, CALLBACK) is None


NEWER = {"client_id": "id-2", "client_secret": "secret-2"}


def age(**past: timedelta) -> None:
    """Move moments of the app's row into the past."""
    moments = {name: database_now() - ago for name, ago in past.items()}
    db.session.query(ServerApp).update(moments)
    db.session.commit()


def test_many_ask_for_a_new_app_at_once(private: World, server: MastodonSandbox) -> None:
    """Six come back to us empty-handed: one app is registered, and each is sent to that one."""
    first = begin(private, server)
    client = private.app.extensions["networks"]["mastodon"]
    server.fault("slow", "token", seconds=0.5)
    ready = Barrier(6)

    def ask(_person: int) -> Any:
        ready.wait(10)
        with private.rows():
            return client.begin_anew(first.memory, CALLBACK)

    with ThreadPoolExecutor(6) as people:
        consents = list(people.map(ask, range(6)))
    (mark,) = {consent.memory["client"] for consent in consents}
    assert mark != first.memory["client"]
    assert server.state()["apps"] == ["Tweet Later"] * 2
    for consent in (first, consents[0]):  # the old one is good for whoever was there with it
        answer = visit(consent)
        with private.rows():
            (connection,) = client.finish(consent.memory, answer, CALLBACK)
        assert mark_of(connection.credentials) == consent.memory["client"]
        assert not connection.proves_nobody


def test_a_new_app_is_registered_once_an_hour(world: World) -> None:
    """Whoever asks; after the hour it may be tried again."""
    apps = ServerApps()
    with world.rows():
        apps.made_once(URL, CALLBACK, lambda: APP)
        assert apps.replaced(URL, CALLBACK, mark_of(APP), lambda: NEWER) == NEWER
        assert apps.get(URL, CALLBACK) == NEWER
        assert apps.replaced(URL, CALLBACK, mark_of(APP), dict) == NEWER
        assert apps.former(URL, mark_of(APP)) == APP
        assert apps.former("https://another.example", mark_of(APP)) is None
        assert apps.former(URL, mark_of(NEWER)) is None
        with pytest.raises(ConnectRefused, match="just_registered"):
            apps.replaced(URL, CALLBACK, mark_of(NEWER), dict)
        assert apps.get(URL, CALLBACK) == NEWER
        ago = timedelta(seconds=ANEW_REST + 1)
        age(anew_at=ago, created_at=ago)
        assert apps.replaced(URL, CALLBACK, mark_of(NEWER), lambda: APP) == APP


def test_asking_for_a_new_app_in_vain_loses_nothing(world: World) -> None:
    """After a no the old one is still there, and the next may ask at once; whoever died while
    asking is relieved.
    """
    apps = ServerApps()

    def refuse() -> dict[str, Any]:
        raise ConnectRefused("refused")

    with world.rows():
        apps.made_once(URL, CALLBACK, lambda: APP)
        with pytest.raises(ConnectRefused, match="refused"):
            apps.replaced(URL, CALLBACK, mark_of(APP), refuse)
        assert apps.get(URL, CALLBACK) == APP
        late = REGISTRATION_LEASE + timedelta(seconds=1)
        age(created_at=2 * late, anew_at=late)
        assert apps.replaced(URL, CALLBACK, mark_of(APP), lambda: NEWER) == NEWER


def test_an_app_that_is_gone_meanwhile_is_made_for_whoever_asked(world: World) -> None:
    """Somebody else let go of it while we registered: the new one is kept for this person."""
    apps = ServerApps()

    def register() -> dict[str, Any]:
        apps.forget(URL, CALLBACK, APP)
        return NEWER

    with world.rows():
        apps.made_once(URL, CALLBACK, lambda: APP)
        assert apps.replaced(URL, CALLBACK, mark_of(APP), register) == NEWER
        assert apps.former(URL, mark_of(NEWER)) == NEWER
        assert apps.replaced(URL, CALLBACK, mark_of(APP), lambda: APP) == APP


def test_an_app_of_one_connection_is_taken_once(world: World) -> None:
    """By its key and for its server; its secret is no more to be read than the others'."""
    apps = ServerApps()
    with world.rows():
        keys = [apps.keep_for_one(URL, APP) for _ in range(2)]
        stored = db.session.execute(db.text("SELECT app FROM mastodon_connection_apps"))
        assert APP["client_secret"] not in str(stored.scalars().all())
        db.session.rollback()
        assert apps.take_for_one("https://other.social", keys[0]) is None
        assert apps.take_for_one(URL, keys[0]) == APP
        assert apps.take_for_one(URL, keys[0]) is None
        assert apps.take_for_one(URL, "invented") is None
        assert apps.take_for_one(URL, keys[1]) == APP


def test_apps_of_nobody_are_swept_away(world: World) -> None:
    """Whoever does not come back within an hour leaves nothing behind."""
    apps = ServerApps()
    with world.rows():
        early = apps.keep_for_one(URL, APP)
        long_ago = database_now() - timedelta(seconds=WALK + 1)
        db.session.query(ConnectionApp).update({"created_at": long_ago})
        db.session.commit()
        late = apps.keep_for_one(URL, APP)
        assert db.session.scalars(db.select(ConnectionApp.id)).all() == [late]
        assert apps.take_for_one(URL, early) is None


def test_what_is_known_of_a_server(world: World) -> None:
    """That it checks no codes stays for ever, whatever it does afterwards, and is its own alone."""
    apps = ServerApps()
    with world.rows():
        assert apps.known(URL) == Known(None, False)
        apps.note_return(URL, checks_codes=True)
        assert apps.known(URL) == Known(True, True)
        apps.note_no_check(URL)
        for checks in (True, False):
            apps.note_return(URL, checks_codes=checks)
            assert apps.known(URL) == Known(False, True)
        apps.note_no_check(f"{URL}:8443")
        apps.note_return("https://third.social", checks_codes=False)
        assert apps.known(f"{URL}:8443") == Known(False, False)
        assert apps.known("https://third.social") == Known(None, True)
        answered = [has_answered(host) for host in ("example.social", "example.social:8443", "")]
        assert answered == [True, False, False]


def test_many_note_the_same_server_at_once(private: World) -> None:
    """Whoever comes second finds the row of the first."""
    ready = Barrier(6)

    def note(person: int) -> None:
        ready.wait(10)
        with private.rows():
            apps = ServerApps()
            apps.note_no_check(URL) if person % 2 else apps.note_return(URL, checks_codes=True)

    private.app  # noqa: B018 (made once, before there are threads)
    with ThreadPoolExecutor(6) as people:
        list(people.map(note, range(6)))
    with private.rows():
        assert ServerApps().known(URL) == Known(False, True)


def test_a_server_that_checks_no_codes(private: World, server: MastodonSandbox) -> None:
    """What one process learnt, all know: nobody signs in, and each connection has its own app."""
    server.settings(checks_codes=False)
    client = private.app.extensions["networks"]["mastodon"]
    consent = begin(private, server)
    with private.rows(), pytest.raises(ConnectRefused, match="server_checks_nothing"):
        client.finish(consent.memory, visit(consent), CALLBACK)
    with pytest.raises(ConnectRefused, match="server_checks_nothing"):
        begin(private, server)
    with private.rows():
        typed = {"server": server.url}
        both = [client.begin(typed, CALLBACK, signing_in=False) for _ in range(2)]
        back = [visit(one, handle=who) for one, who in zip(both, ("ana", "ben"), strict=True)]
        for one, callback, who in zip(both, back, ("ana", "ben"), strict=True):
            (connection,) = client.finish(one.memory, callback, CALLBACK)
            assert connection.proves_nobody
            assert connection.profile.handle.startswith(f"{who}@")
        assert db.session.scalars(db.select(ConnectionApp)).all() == []


def test_what_a_server_takes_is_known_at_once(small_world: World) -> None:
    """Whoever has just connected may write as much as the server takes, before any worker asks."""
    small_world.sandbox.on("mastodon").settings(characters=5000)
    visitor = Visitor(small_world.start_web())
    assert visitor.connect("mastodon", "ana").ok
    assert visitor.post("/tweets", text="x" * 5000, when="in 1 h").status_code == 202
    refused = visitor.post("/tweets", text="x" * 5001, when="in 1 h")
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "too_long"
