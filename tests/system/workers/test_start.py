"""What cannot work stops with a sentence, in every way of starting the app."""

from __future__ import annotations

import os
import subprocess

import pytest
import requests

from app.states import State
from tests.conftest import MakeWorld
from tests.support import forking
from tests.support.visitor import Visitor
from tests.support.waiting import free_port, wait_for
from tests.support.world import World

SECRETS = ["SECRET_KEY", "TOKEN_KEYS", "DATABASE_URL", "REDIS_URL", "APP_URL"]
WAYS = {
    "migrate": ["flask", "--app", "app", "db", "upgrade"],
    "connect": ["flask", "--app", "app", "accounts", "connect"],
    "shell": ["flask", "--app", "app", "shell"],
    "worker": ["celery", "-A", "celery_app", "worker"],
    "web": ["gunicorn", "app:create_app()", "--bind", "127.0.0.1:0"],
}


def start(way: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start the app in one of its ways, and wait for its end."""
    whole = {"PATH": os.environ["PATH"], **environ}
    return forking.shared().run(WAYS[way], whole, stdin="a-token\n")


@pytest.mark.parametrize("way", WAYS)
def test_production_without_its_secrets_does_not_start(way: str) -> None:
    """An exit status, one sentence for each secret, and no traceback."""
    done = start(way, {"APP_ENV": "production"})
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    for name in SECRETS:
        assert done.stderr.count(f"\n{name} is missing: ") == 1


@pytest.mark.parametrize("way", ["worker", "web"])
def test_a_place_for_pictures_that_cannot_be(small_world: World, way: str) -> None:
    """Nobody has to send a picture to learn that there is no place for it."""
    done = start(way, {**small_world.environ, "MEDIA_URL": "nowhere://bucket"})
    assert done.returncode != 0
    assert "\nMEDIA_URL cannot be used: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_place_for_pictures_that_does_not_answer(make_world: MakeWorld, sqlite_url: str) -> None:
    """A worker says at its start where no picture can be kept, once, and sends what has none."""
    world = make_world(sqlite_url, MEDIA_URL="file:///dev/null/pictures")
    world.start_worker()
    told = "MEDIA_URL names a place where no picture can be kept now: "
    wait_for(lambda: told in world.log(), what="the worker's sentence")
    job = world.tweet_later(world.user("ana"), "No picture")
    assert set(world.until_settled([job]).values()) == {State.PUBLISHED}
    assert world.log().count(told) == 1


@pytest.mark.parametrize("way", ["migrate", "connect", "shell"])
@pytest.mark.parametrize("url", ["nonsense", "mysql://host/name"])
def test_a_broken_database_url_stops_every_command(small_world: World, way: str, url: str) -> None:
    """A sentence that names the variable, an exit status, and no traceback."""
    done = start(way, {**small_world.environ, "DATABASE_URL": url})
    assert done.returncode != 0
    assert "DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "query", ["", "?no_such_option=1"], ids=["nobody listens", "an option that does not exist"]
)
def test_a_database_that_cannot_be_reached(small_world: World, query: str) -> None:
    """Commands and the shell say what the database says and what to check, without a traceback."""
    world = small_world
    world.environ["DATABASE_URL"] = f"postgresql://127.0.0.1:{free_port()}/name{query}"
    token = world.sandbox.token("ana")["access_token"]
    migrating = world.flask("db", "upgrade")
    connecting = world.flask("accounts", "connect", stdin=f"{token}\n")
    assert migrating.returncode != 0
    assert connecting.returncode != 0
    shell = world.flask("shell", stdin="User.by_handle('ana')\n")
    for done in (migrating, connecting, shell):
        assert "DATABASE_URL" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_database_without_tables_says_what_to_run(make_world: MakeWorld) -> None:
    """A fresh database is not a riddle."""
    world = make_world("sqlite://")
    token = world.sandbox.token("ana")["access_token"]
    for done in (
        world.flask("accounts", "connect", stdin=f"{token}\n"),
        world.flask("shell", stdin="User.by_handle('ana')\n"),
    ):
        assert "flask db upgrade" in done.stderr
        assert "Traceback" not in done.stderr


def test_pages_without_a_database(make_world: MakeWorld) -> None:
    """The pages start; signing in gets 503 and a sentence, and monitors are told which part."""
    world = make_world(f"postgresql://127.0.0.1:{free_port()}/name")
    site = world.start_web()
    assert requests.get(site, timeout=20).status_code == 200
    page = Visitor(site).sign_in("ana")
    assert page.status_code == 503
    assert "Our database does not answer" in page.text
    assert "<title" in page.text
    health = requests.get(f"{site}/healthz", timeout=20)
    assert (health.status_code, health.json()["failing"]) == (503, ["database"])
    assert "postgresql" not in page.text + health.text
