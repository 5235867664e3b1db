"""Messages to browsers and to URLs of people's own: what is kept, sent, tried again, forgotten."""

from __future__ import annotations

import json
import socket
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from app import background, push
from app.db import db, from_now, utcnow
from app.models import PushMessage, PushTarget, PushWay
from tests.conftest import MakeWorld
from tests.support.push_browser import Browser
from tests.support.scripted import SCRIPT_OVER, ScriptedServer, Seen
from tests.support.world import World

CONTENT = ("A tweet failed", "“Hello…” was refused.", "/tweets/7?job_id=8")


@pytest.fixture
def world(make_world: MakeWorld, database_url: str) -> World:
    """An installation that may call this machine."""
    return make_world(database_url, ALLOW_PRIVATE_SERVERS="1", APP_URL="https://tweets.example")


def send(world: World, due_in: float = 0) -> str:
    """Let a worker send what is due, whenever that is; or find that it will be."""
    with world.rows():
        db.session.execute(db.update(PushMessage).values(next_at=from_now(due_in)))
        background.begin_intervals("push", "", 3600)
        background.soon("push")
        db.session.commit()
        (run,) = background.claim(["push"], 1, "w:1")
        result = push.send_due(run)
        run.finish(result)
        return result


def test_a_browser_is_told(world: World, scripted: ScriptedServer) -> None:
    """Encrypted and signed, again if it was not taken; a browser that is gone is forgotten."""
    ana, browser = world.user("ana"), Browser(scripted.url)
    scripted.answers = [(500, {}), (201, {}), (410, {})]
    with world.rows():
        first = push.add_browser(ana, browser.subscription)
        assert push.add_browser(ana, browser.subscription) == first
        assert push.queue(ana, *CONTENT) == 1
        db.session.commit()
        key = push.public_key()
    assert send(world) == "0"
    assert send(world) == "1"
    _refused, seen = scripted.seen
    assert browser.read(seen.body) == {
        **dict(zip(("title", "text", "path"), CONTENT, strict=True)),
        "url": f"https://tweets.example{CONTENT[2]}",
    }
    assert seen.headers["Authorization"].endswith(f",k={key}")
    assert (seen.headers["TTL"], seen.headers["Content-Encoding"]) == ("86400", "aes128gcm")
    with world.rows():
        assert db.session.scalars(db.select(PushMessage)).all() == []
        push.queue(ana, *CONTENT)
        db.session.commit()
    assert send(world) == "0"
    with world.rows():
        assert db.session.scalars(db.select(PushTarget)).all() == []
        assert db.session.scalars(db.select(PushMessage)).all() == []


@pytest.mark.parametrize(
    ("url", "contact"),
    [
        ("https://tweets.example:8443/later", "https://tweets.example"),
        ("https://intranet", "mailto:ops@mail.example"),
        ("http://127.0.0.1:8000", "mailto:ops@mail.example"),
    ],
)
def test_a_site_at_any_address(
    make_world: MakeWorld, sqlite_url: str, scripted: ScriptedServer, url: str, contact: str
) -> None:
    """Its messages arrive, signed with somebody whom the push service can ask."""
    settings = {"ALLOW_PRIVATE_SERVERS": "1", "APP_URL": url, "MAIL_FROM": "<ops@mail.example>"}
    world = make_world(sqlite_url, **settings)
    ana = world.user("ana")
    scripted.answers = [(201, {})]
    with world.rows():
        push.add_browser(ana, Browser(scripted.url).subscription)
        push.queue(ana, *CONTENT)
        db.session.commit()
    assert send(world) == "1"
    (seen,) = scripted.seen
    claims = seen.headers["Authorization"].removeprefix("vapid t=").split(".")[1]
    assert json.loads(urlsafe_b64decode(f"{claims}==")) | {"exp": 0} == {
        "aud": scripted.url,
        "sub": contact,
        "exp": 0,
    }


def test_what_cannot_be_signed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It would not be signed tomorrow, either: it is dropped, and told in one line."""
    ana = world.user("ana")
    with world.rows():
        push.add_browser(ana, Browser("http://[::1]:9").subscription)
        push.queue(ana, *CONTENT)
        db.session.commit()
    assert send(world) == "0"
    (line,) = [one.getMessage() for one in caplog.records if one.name == "app.push.outbox"]
    assert line.endswith("cannot be signed: Missing 'aud' from claims; it is dropped")
    with world.rows():
        assert db.session.scalars(db.select(PushMessage)).all() == []
        assert len(db.session.scalars(db.select(PushTarget)).all()) == 1


def test_when_it_is_tried_again(world: World, scripted: ScriptedServer) -> None:
    """A worker looks again when the first message is due, and not long after."""
    ana = world.user("ana")
    scripted.answers = [(503, {})]
    with world.rows():
        push.add_browser(ana, Browser(scripted.url).subscription)
        push.queue(ana, *CONTENT)
        db.session.commit()
    assert send(world) == "0"
    assert 0 <= seconds_late(world) < 3
    assert send(world, due_in=12) == "0"
    assert 0 <= seconds_late(world) < 3
    assert send(world, due_in=600) == "0"
    assert seconds_late(world) < -500
    assert len(scripted.seen) == 1


def seconds_late(world: World) -> float:
    """Return how long after a message is due a worker looks again."""
    with world.rows():
        due_at = db.session.scalars(db.select(PushMessage.next_at)).one()
        looks_at = background.at_intervals("push", [""])[""].next_at
        assert looks_at
        return (looks_at - due_at).total_seconds()


def test_a_hook_is_told(world: World, scripted: ScriptedServer) -> None:
    """As Apprise would; the URL is encrypted, and another one takes its place."""
    ana = world.user("ana")
    with world.rows():
        with pytest.raises(push.WrongAddress, match="unknown_scheme"):
            push.keep_url(ana, "json://127.0.0.1/")
        push.keep_url(ana, "discord://123/abc")
        push.keep_url(ana, "jsons://hooks.example/secret")
        assert push.url_of(ana) == "jsons"
        stored = db.session.execute(db.text("SELECT address FROM push_targets")).scalar_one()
        assert "secret" not in stored
        assert push.queue(ana, *CONTENT) == 1
        db.session.rollback()
        push.keep_url(ana, "")
        assert push.url_of(ana) is None


def test_a_service_that_never_ends_its_answer(world: World, scripted: ScriptedServer) -> None:
    """Others are told meanwhile; it is given up in time, and what it should get waits."""
    ana, ben = world.user("ana"), world.user("ben")
    told = threading.Event()

    def play(seen: Seen) -> tuple[int, Any]:
        if seen.path.startswith("/ana"):
            return (201, {}) if told.wait(60) else SCRIPT_OVER
        told.set()
        return 201, {}

    scripted.play = play
    with dripping() as port, world.rows():
        push.add_browser(ana, Browser(f"{scripted.url}/ana").subscription)
        push.add_browser(ben, Browser(f"http://127.0.0.1:{port}").subscription)
        push.add_browser(ben, Browser(f"{scripted.url}/ben").subscription)
        for user in (ben, ben, ana):
            push.queue(user, *CONTENT)
        db.session.commit()
        assert send(world) == "2"  # whoever waits for the other, both are told
        assert send(world) == "1"
        left = db.session.scalars(db.select(PushMessage).order_by(PushMessage.id)).all()
        assert {one.target_id for one in left} == {left[0].target_id}
        assert len(left) == 2
        assert left[0].tries > left[1].tries == 0
        assert min(one.next_at for one in left) > utcnow()


@contextmanager
def dripping() -> Iterator[int]:
    """A service that says a byte now and then, and never all; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip(line: socket.socket) -> None:
            with line, suppress(OSError):
                line.sendall(b"HTTP/1.1 201 Created\r\nX: ")
                while True:
                    line.sendall(b"x")
                    time.sleep(0.1)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    line = listener.accept()[0]
                    threading.Thread(target=drip, args=(line,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("jsons://127.0.0.1/x", "private_address"),
        ("jsons://[::1]:8443/x", "private_address"),
        ("jsons://0x7f.1/x", "private_address"),
        ("jsons://router.local/x", "private_address"),
        ("jsons://8.8.8.8/x", "bad_url"),
        ("jsons://nobody.invalid/x", "bad_url"),
        ("jsons://user:word@example.com/x", "bad_url"),
        ("file:///etc/passwd", "unknown_scheme"),
        ("mailto://me@example.com", "unknown_scheme"),
        ("discord://123/abc?template=/etc/passwd", "bad_url"),
        ("ntfy://10.0.0.1/topic", "bad_url"),
        ("slack://127.0.0.1:80/x/y", "bad_url"),
        ("hello", "bad_url"),
    ],
)
def test_addresses_that_are_refused(
    make_world: MakeWorld, sqlite_url: str, url: str, code: str
) -> None:
    """Nothing leads into a private network, and nothing but a service's own words is taken."""
    world = make_world(sqlite_url, ALLOW_PRIVATE_SERVERS="0")
    with world.rows(), pytest.raises(push.WrongAddress, match=code):
        push.keep_url(1, url)


@pytest.mark.parametrize(
    ("endpoint", "code"),
    [
        ("https://169.254.169.254", "private_address"),
        ("https://localhost", "private_address"),
        ("https://intranet", "bad_url"),
        ("http://push.example", "bad_url"),
    ],
)
def test_endpoints_that_are_refused(
    make_world: MakeWorld, sqlite_url: str, endpoint: str, code: str
) -> None:
    """A push service is a server on the public internet, and has a name."""
    world = make_world(sqlite_url, ALLOW_PRIVATE_SERVERS="0")
    with world.rows(), pytest.raises(push.WrongAddress, match=code):
        push.add_browser(1, Browser(endpoint).subscription)


def test_keys_that_are_none(world: World, scripted: ScriptedServer) -> None:
    """What is no point of the curve is refused when it comes, and not when it is sent to."""
    subscription = Browser(scripted.url).subscription
    with world.rows():
        for keys in ({"p256dh": "AAAA"}, {"auth": "AA"}, {"p256dh": "ü"}):
            wrong = {**subscription, "keys": {**subscription["keys"], **keys}}  # type: ignore[dict-item]
            with pytest.raises(push.WrongAddress, match="bad_keys"):
                push.add_browser(1, wrong)


def test_what_cannot_be_sent_is_given_up(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A target that is no address any more stops nothing, and its messages end after a day.

    Where it happened is told the first time.
    """
    ana = world.user("ana")
    with world.rows():
        broken = PushTarget(user_id=ana, way=PushWay.BROWSER, fingerprint="f", created_at=utcnow())
        broken.address = {"endpoint": "https://push.example/1"}
        db.session.add(broken)
        db.session.flush()
        push.queue(ana, *CONTENT)
        db.session.commit()
    assert send(world) == "0"
    with world.rows():
        assert db.session.scalars(db.select(PushMessage.tries)).all() == [1]
        db.session.execute(db.update(PushMessage).values(created_at=from_now(-90_000)))
        db.session.commit()
    assert send(world) == "0"
    with world.rows():
        assert db.session.scalars(db.select(PushMessage)).all() == []
    told = [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]
    assert ["\n" in one for one in told] == [True, False]
