"""The database restarts, cuts, locks or has no room: what was taken goes out, once."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from app.db import db
from app.models import Delivery
from app.states import State
from tests.support.author import Author
from tests.support.crowd import until_posts_arrive, write_tweets
from tests.support.figures import Figures, promise_kept, sized
from tests.support.servers import Postgres
from tests.support.waiting import PATIENCE, wait_for
from tests.support.world import World

PEOPLE = [f"person{n}" for n in range(5)]
Server = tuple[Postgres, str]


def settle(world: World, jobs: dict[str, str], name: str) -> Figures:
    """Wait until all is over, then hold the promise against the network."""
    states = world.until_settled(list(jobs.values()), seconds=sized(PATIENCE, 400.0))
    assert set(states.values()) == {State.PUBLISHED}
    return promise_kept(world, jobs, name)


def sqlite_file(world: World) -> str:
    """Return the path of the world's database."""
    return str(make_url(world.environ["DATABASE_URL"]).database)


@pytest.fixture
def pg_world(make_world, database_url: str) -> World:  # type: ignore[no-untyped-def]
    """An installation on PostgreSQL, and an X that takes its time and hides no doubled tweet."""
    return slow_world(make_world(database_url))


def slow_world(world: World) -> World:
    """Make X take its time, and not hide a tweet that is sent twice."""
    world.sandbox.settings(duplicate_window=0)
    world.sandbox.fault("slow", seconds=0.2, count=None)
    return world


on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@on_postgresql
def test_postgresql_restarted_in_the_middle(pg_world: World, postgres: Server) -> None:
    """`pg_ctl restart -m immediate`, again and again, while posts are under way."""
    world, (server, _) = pg_world, postgres
    author = Author(world.start_web(), "author")
    world.start_worker()
    rounds = sized(3, 10)
    tweets = write_tweets(world, "restarting", PEOPLE, sized(90, 500), sized(8.0, 60.0))
    author.start()
    for _ in range(rounds):
        until_posts_arrive(world, tweets.values(), least=3)
        server.restart_immediately()
        time.sleep(sized(0.5, 4.0))  # the pace of the fault
    tweets |= author.finish()
    settle(world, tweets, f"PostgreSQL restarted {rounds} times, {author.refused()} times 503")
    assert "Failed to rate limit" not in world.log()  # it would count in memory from then on


def cut_connections(world: World, server: Postgres) -> int:
    """Cut every connection to the world's database; return how many there were."""
    query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        name = make_url(world.environ["DATABASE_URL"]).database
        row = connection.execute(query, [name]).fetchone()
        return int(row[0]) if row else 0


@on_postgresql
def test_connections_cut(pg_world: World, postgres: Server) -> None:
    """Every connection to the database is cut, several times a second."""
    world, (server, _) = pg_world, postgres
    author = Author(world.start_web(), "author")
    world.start_worker()
    tweets = write_tweets(world, "cut off", PEOPLE, sized(60, 500), sized(6.0, 60.0))
    author.start()
    cuts, end = 0, time.monotonic() + sized(6.0, 60.0)
    while time.monotonic() < end:
        cuts += cut_connections(world, server)
        time.sleep(0.4)  # the pace of the fault
    assert cuts > 10
    tweets |= author.finish()
    settle(world, tweets, f"{cuts} connections cut, {author.refused()} times 503")


@on_postgresql
def test_a_connection_that_dies_behind_the_answer(pg_world: World, postgres: Server) -> None:
    """What is already decided stays so when the connection is gone at the end of a request."""
    with pg_world.rows():
        db.session.execute(db.select(Delivery.id))
        cut_connections(pg_world, postgres[0])
    with pg_world.rows():
        assert not list(db.session.scalars(db.select(Delivery.id)))


@contextmanager
def locked(world: World) -> Iterator[None]:
    """Hold the lock that every writer needs."""
    url = world.environ["DATABASE_URL"]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(sqlite_file(world), isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
        return
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE deliveries IN SHARE ROW EXCLUSIVE MODE")
        yield
        connection.rollback()


def test_locked_by_a_long_writer(world: World) -> None:
    """A writer that holds its lock delays tweets; none is lost or doubled, and pages say why."""
    slow_world(world)
    authors = [Author(world.start_web(), f"author{n}") for n in range(2)]
    world.start_worker()
    length = sized(8.0, 20.0)
    tweets = write_tweets(world, "past a lock", PEOPLE, sized(60, 500), length)
    until_posts_arrive(world, tweets.values(), least=3)
    for author in authors:
        author.start()
    with locked(world):
        time.sleep(length)  # the length of the fault
    for author in authors:
        tweets |= author.finish()
    refused, slowest = sum(a.refused() for a in authors), max(a.slowest for a in authors)
    settle(world, tweets, f"locked for {length:g} s: {refused} times 503, slowest {slowest:.1f} s")
    assert slowest < 25
    assert set().union(*(author.answers for author in authors)) <= {202, 503}


class Room:
    """Where the database writes, and whether there is room."""

    def __init__(self, take: Callable[[], None], give: Callable[[], None]) -> None:
        self.take, self.give = take, give


def limited(world: World) -> Room:
    """The operating system refuses every write to a file by the pages and the worker."""

    def limit(size: int) -> None:
        for leader in world.processes:
            found = subprocess.run(
                ["pgrep", "-g", str(leader.pid)], capture_output=True, text=True, check=True
            )
            for process_id in map(int, found.stdout.split()):
                _, hard = resource.prlimit(process_id, resource.RLIMIT_FSIZE)
                resource.prlimit(process_id, resource.RLIMIT_FSIZE, (size, hard))

    return Room(lambda: limit(0), lambda: limit(resource.RLIM_INFINITY))


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of a few megabytes."""
    with tempfile.TemporaryDirectory(prefix="tweet-later-") as folder:
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0777", "tmpfs", folder]
        try:
            subprocess.run(mount, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("only root can mount a small disk; the limit of file sizes stands for it")
        yield Path(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)


def filled(disk: Path) -> Room:
    """A file takes all the room that is left on a disk."""
    filler = disk / "filler"

    def take() -> None:
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 16, 1 << 10):
                try:
                    while file.write(b"x" * size) == size:
                        pass
                except OSError:
                    continue

    return Room(take, filler.unlink)


def without_room(world: World, room: Callable[[World], Room], name: str) -> None:
    """Take the room away while tweets are due and others are submitted; give it back."""
    slow_world(world)
    site = world.start_web(RATE_LIMIT_WRITES="10000 per minute")
    author = Author(site, "author", pause=0.05)
    world.start_worker()
    length = sized(4.0, 60.0)
    tweets = write_tweets(world, "no room", PEOPLE, sized(60, 500), length)
    until_posts_arrive(world, tweets.values(), least=3)
    space = room(world)
    author.start()
    space.take()
    try:
        wait_for(lambda: author.refused() or author.wrong, what="a refusal")
        time.sleep(length)  # the length of the fault
    finally:
        space.give()
    tweets |= author.finish()
    settle(world, tweets, f"{name}: {author.refused()} times 503")


def test_no_more_may_be_written(small_world: World) -> None:
    """SQLite gets errors for every write: submits are refused, and all goes on afterwards."""
    without_room(small_world, limited, "SQLite, writes refused")


def test_sqlite_on_a_full_disk(small_disk: Path, make_world, sqlite_url: str) -> None:  # type: ignore[no-untyped-def]
    """The disk is really full: submits are refused, and all goes on when there is room."""
    path = small_disk / "tweet-later.sqlite3"
    path.write_bytes(Path(str(make_url(sqlite_url).database)).read_bytes())
    without_room(make_world(f"sqlite:///{path}"), lambda _: filled(small_disk), "SQLite, disk full")


@pytest.fixture
def small_postgres(small_disk: Path, postgres: Server) -> Iterator[str]:
    """A PostgreSQL database whose rows are on a small disk."""
    server, template = postgres
    with server.on_disk(small_disk, template) as url:
        yield url


def test_postgresql_on_a_full_disk(small_postgres: str, small_disk: Path, make_world) -> None:  # type: ignore[no-untyped-def]
    """No room for rows on PostgreSQL's disk: refused with a sentence, and on when there is."""
    world = make_world(small_postgres)
    without_room(world, lambda _: filled(small_disk), "PostgreSQL, disk full")
