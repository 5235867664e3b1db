"""Avatars are fetched by a worker, made anew, and shown from here: browsers ask nobody else."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from datetime import timedelta

import pytest
from PIL import Image

from app.accounts import avatars, connections, disconnections
from app.db import db, utcnow
from app.models import Account
from app.networks.base import Profile
from app.states import State
from tests.conftest import MakeWorld
from tests.support.photos import bomb, file_of, moving, noisy, opened, png_claiming
from tests.support.scripted import ScriptedServer
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

PAGE = b"<!doctype html><script>alert(1)</script>"
AVATAR = re.compile(r'<img src="(/accounts/\d+/avatar)"')
PHOTO = file_of(noisy(640, 480), quality=90)


@pytest.fixture
def elsewhere() -> Iterator[ScriptedServer]:
    """A server of pictures that is none of ours."""
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def hole() -> Iterator[str]:
    """The address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/avatar.png"


def connected(world: World, handle: str, url: str) -> int:
    """Connect an account whose network says that its avatar is there; return its id."""
    with world.rows():
        profile = Profile(f"id of {handle}", handle, avatar_url=url)
        done = connections.by_token("x", profile, {"access_token": "token"})
        return (done.added + done.renewed)[0].id


def row(world: World, account_id: int) -> Account:
    """Return the account as it is now, with its avatar, detached."""
    with world.rows():
        wanted = [db.undefer(Account.avatar)]
        account = db.session.get_one(Account, account_id, options=wanted)
        db.session.expunge(account)
        return account


def fetched(world: World, account_id: int) -> Account:
    """Fetch the avatar in this process; return the account."""
    with world.rows():
        avatars.fetch([account_id])
    return row(world, account_id)


def outdated(world: World) -> list[int]:
    """Return the accounts whose avatars a worker would fetch."""
    with world.rows():
        return avatars.outdated()


def test_an_avatar_comes_from_here_to_its_owner_alone(small_world: World) -> None:
    """Soon after connecting, the page shows it from our own address; for others there is none."""
    world = small_world
    site = world.start_web()
    ana, ben, nobody = (Visitor(site) for _ in range(3))
    ana.sign_in("ana")
    ben.sign_in("ben")
    assert AVATAR.search(ana.get("/accounts").text) is None
    world.start_worker()
    found = wait_for(lambda: AVATAR.search(ana.get("/accounts").text), what="the avatar")
    address = found[1]
    answer = ana.get(address)
    picture = opened(answer.content)
    assert (picture.format, picture.size) == ("WEBP", (96, 96))
    assert answer.headers["Content-Type"] == "image/webp"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "private" in answer.headers["Cache-Control"]
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    again = ana.get(address, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert ben.get(address).status_code == 404
    assert nobody.get(address, allow_redirects=False).status_code == 302
    assert ana.submit(address.replace("avatar", "disconnect")).ok
    assert ana.get(address).status_code == 404


NO_PICTURES = {
    "claiming": (200, png_claiming(30_000, 30_000)),
    "bomb": (200, bomb(8000, 8000)),
    "page": (200, PAGE),
    "disguised": (200, b"GIF89a" + PAGE),
    "drawing": (200, b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    "half": (200, PHOTO[:5000]),
    "empty": (200, b""),
    "large": (200, PHOTO + bytes(5_000_000)),
    "missing": (404, PHOTO),
    "moved": (302, PHOTO),
    "failing": (500, PHOTO),
}


@pytest.mark.parametrize("kind", NO_PICTURES)
def test_what_is_no_picture_leaves_the_initial(
    small_world: World, elsewhere: ScriptedServer, kind: str
) -> None:
    """It is asked for once, and no sooner again than in a week."""
    elsewhere.answers = [NO_PICTURES[kind], (200, PHOTO)]
    account_id = connected(small_world, "ana", f"{elsewhere.url}/avatar.jpg")
    account = fetched(small_world, account_id)
    assert account.avatar is None
    assert account.avatar_at is not None
    fetched(small_world, account_id)
    assert len(elsewhere.seen) == 1
    assert outdated(small_world) == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "//example.com/a.png",
        "http://",
        "http://[::1",
        "https://nobody.invalid/avatar.png",
        "http://\u2028/a b",
        "nonsense",
    ],
)
def test_what_is_no_address_leaves_the_initial(small_world: World, url: str) -> None:
    """Whatever a network calls an avatar's address is not kept, or harms nothing."""
    account_id = connected(small_world, "ana", url)
    assert row(small_world, account_id).avatar_url in {"", "https://nobody.invalid/avatar.png"}
    with small_world.rows():  # as it was kept before addresses were looked at
        db.session.execute(db.update(Account).values(avatar_url=url))
        db.session.commit()
    account = fetched(small_world, account_id)
    assert account.avatar is None
    assert account.avatar_at is not None


@pytest.mark.parametrize(
    "content",
    [PHOTO, moving(), file_of(noisy(3, 900), "PNG"), file_of(Image.new("RGBA", (9, 5)), "PNG")],
    ids=["photo", "moving", "narrow", "see-through"],
)
def test_any_picture_becomes_a_small_square(
    world: World, elsewhere: ScriptedServer, content: bytes
) -> None:
    """Made anew from the first frame, in a few bytes; nothing says who asks, or for whom."""
    elsewhere.answers = [(200, content)]
    account = fetched(world, connected(world, "ana", f"{elsewhere.url}/avatar"))
    assert account.avatar is not None
    assert len(account.avatar) < 20_000
    picture = opened(account.avatar)
    assert (picture.format, picture.size, picture.mode) == ("WEBP", (96, 96), "RGB")
    (asked,) = elsewhere.seen
    assert not {"Cookie", "Authorization", "Referer"} & set(asked.headers)


def test_a_private_address_is_not_even_asked(
    make_world: MakeWorld, sqlite_url: str, elsewhere: ScriptedServer
) -> None:
    """Whatever network says so; only where private servers are let in at all."""
    world = make_world(sqlite_url, ALLOW_PRIVATE_SERVERS="0")
    elsewhere.answers = [(200, PHOTO)]
    account = fetched(world, connected(world, "ana", f"{elsewhere.url}/avatar.jpg"))
    assert account.avatar is None
    assert account.avatar_at is not None
    assert elsewhere.seen == []


def test_an_avatar_is_fetched_again_after_a_week(world: World, elsewhere: ScriptedServer) -> None:
    """What was known stays when it is not there any more; connecting again asks at once."""
    elsewhere.answers = [(200, PHOTO), (410, "gone"), (200, PHOTO)]
    url = f"{elsewhere.url}/avatar.jpg"
    account_id = connected(world, "ana", url)
    assert outdated(world) == [account_id]
    first = fetched(world, account_id).avatar
    assert outdated(world) == []
    with world.rows():
        db.session.get_one(Account, account_id).avatar_at = utcnow() - timedelta(days=8)
        db.session.commit()
    assert outdated(world) == [account_id]
    assert fetched(world, account_id).avatar == first
    connected(world, "ana", url)
    assert outdated(world) == [account_id]
    connected(world, "ana", "")
    assert outdated(world) == []
    assert row(world, account_id).avatar is None


def test_a_disconnected_account_has_no_avatar(world: World, elsewhere: ScriptedServer) -> None:
    """It is forgotten at once, and not fetched any more."""
    elsewhere.answers = [(200, PHOTO), (200, PHOTO)]
    account_id = connected(world, "ana", f"{elsewhere.url}/avatar.jpg")
    assert fetched(world, account_id).avatar
    with world.rows():
        disconnections.disconnect(account_id)
        db.session.get_one(Account, account_id).avatar_at = None
        db.session.commit()
    assert outdated(world) == []
    assert fetched(world, account_id).avatar is None
    assert len(elsewhere.seen) == 1


def test_servers_that_hang_hold_up_nothing(small_world: World, hole: str) -> None:
    """A tweet goes out while every avatar hangs, and the page shows initials."""
    world = small_world
    accounts = [connected(world, f"hung{number}", hole) for number in range(4)]
    ana = Visitor(world.start_web())
    ana.sign_in("ana")
    world.start_worker()
    wait_for(lambda: row(world, accounts[0]).avatar_at, what="an avatar that is asked for")
    world.valkey.flush()
    job = ana.post("/tweets", text="While they hang").json()["job_id"]
    assert ana.until_final(job)["status"] == "done"
    assert world.delivery(job).state == State.PUBLISHED
    assert ana.get("/accounts").ok
    wait_for(lambda: all(row(world, each).avatar_at for each in accounts), what="every try")
    assert not any(row(world, each).avatar for each in accounts)
    assert "Traceback" not in world.log()
