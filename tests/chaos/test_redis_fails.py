"""Redis forgets, dies, fills up, crawls or falls silent: tweets go out once and on time."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from app.states import State
from tests.support.author import Author
from tests.support.crowd import BOTH_IN_FULL, write_tweets
from tests.support.figures import Figures, promise_kept, sized
from tests.support.freezing import freeze
from tests.support.notifier import knows_the_new_redis, until_heard
from tests.support.proxy import Proxy
from tests.support.servers import Valkey
from tests.support.visitor import Visitor
from tests.support.waiting import PATIENCE, wait_for
from tests.support.world import World

PEOPLE = [f"person{n}" for n in range(5)]
AGAIN_AFTER = 5.0
"""NOTIFY_AGAIN_AFTER where nothing else is set: seconds until a wake-up counts as lost."""
SLACK = 20.0
"""Seconds more for a machine that runs other tests beside this one."""
HEARD_AGAIN = 30.0
"""Seconds within which a worker consumes again once Redis can be reached."""
LONG_PATIENCE = {"NOTIFY_AGAIN_AFTER": "300"}
"""So patient that within a test only the broker wakes anybody."""


@pytest.fixture
def proxy(valkey: Valkey) -> Iterator[Proxy]:
    """A path to Redis that can be broken."""
    path = Proxy(valkey.port)
    yield path
    path.close()


def settle(world: World, jobs_by_text: dict[str, str], name: str) -> Figures:
    """Wait until all is over, then hold the promise against the network."""
    states = world.until_settled(list(jobs_by_text.values()), seconds=sized(PATIENCE, 400.0))
    assert set(states.values()) == {State.PUBLISHED}
    return promise_kept(world, jobs_by_text, name)


@BOTH_IN_FULL
def test_flushed_again_and_again(world: World) -> None:
    """FLUSHALL many times a second while workers are woken for due tweets."""
    world.start_worker()
    length = sized(6.0, 60.0)
    tweets = write_tweets(world, "flushed", PEOPLE, sized(60, 500), length)
    flushes, end = 0, time.monotonic() + length + 4
    while time.monotonic() < end:
        world.valkey.flush()
        flushes += 1
        time.sleep(0.15)  # the pace of the fault
    figures = settle(world, tweets, f"FLUSHALL {flushes} times")
    assert figures.p99 < AGAIN_AFTER + SLACK


@BOTH_IN_FULL
def test_stopped_and_restarted_empty(world: World) -> None:
    """Redis dies in the middle of a run and comes back without memory."""
    world.start_worker()
    away = sized(5.0, 60.0)
    tweets = write_tweets(world, "around a restart", PEOPLE, sized(60, 500), away + 4)
    wait_for(lambda: world.sandbox.calls() > 5, what="posts under way")
    world.valkey.stop()
    try:
        time.sleep(away)  # the length of the fault
    finally:
        world.valkey.start()
    wait_for(lambda: knows_the_new_redis(world), what="the worker's look at the new Redis")
    waited, notified = until_heard(world, "after a restart")
    print(f"\nheard through the broker {waited:.1f} s after Redis came back")
    figures = settle(world, tweets, f"Redis stopped for {away:g} s, restarted empty")
    settle(world, notified, "notified afterwards")
    assert figures.p99 < AGAIN_AFTER + SLACK
    assert waited < HEARD_AGAIN


@BOTH_IN_FULL
def test_stopped_while_tweets_for_now_are_written(world: World) -> None:
    """Stored as if workers knew of them, and nobody could be told: they go out all the same."""
    world.start_worker()
    users = [world.user(handle) for handle in PEOPLE]
    jobs: dict[str, str] = {}

    def write(count: int) -> None:
        for _ in range(count):
            text = f"now {len(jobs)}"
            jobs[text] = world.tweet_later(users[len(jobs) % len(users)], text)

    write(sized(20, 200))
    world.valkey.stop()
    try:
        write(sized(20, 200))
    finally:
        world.valkey.start()
    write(sized(20, 200))
    figures = settle(world, jobs, "Redis stopped among tweets for now")
    assert figures.p99 < AGAIN_AFTER + SLACK


@pytest.fixture
def full_redis(valkey: Valkey) -> Iterator[Callable[[], None]]:
    """Make Redis refuse every write; there is room again at the end of the test."""

    def fill() -> None:
        valkey.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
        valkey.command("CONFIG", "SET", "maxmemory", "1")

    yield fill
    valkey.command("CONFIG", "SET", "maxmemory", "0")


def test_out_of_memory(small_world: World, full_redis: Callable[[], None]) -> None:
    """Redis refuses every write: pages take tweets, workers live and send; then all is well."""
    world = small_world
    site = world.start_web()
    worker = world.start_worker()
    author = Author(site, "author")
    tweets = write_tweets(world, "into a full Redis", PEOPLE, sized(40, 300), sized(6.0, 60.0))
    freeze(world, worker)
    ana = world.user("ana")
    tweets |= {f"in the queue {n}": world.tweet_later(ana, f"in the queue {n}") for n in range(10)}
    full_redis()
    world.kill(worker, signal.SIGCONT)
    another = world.start_worker()
    author.start()
    time.sleep(sized(7.0, 65.0))  # the length of the fault
    written = author.finish()
    assert [worker.poll(), another.poll()] == [None, None], "a worker ended"
    assert author.visitor.until_final(next(iter(written.values())))["status"] == "done"
    assert set(author.answers) == {202}
    figures = settle(world, tweets | written, "Redis out of memory")
    assert figures.p99 < AGAIN_AFTER + SLACK
    world.valkey.command("CONFIG", "SET", "maxmemory", "0")
    waited, notified = until_heard(world, "with room again")
    settle(world, notified, f"heard {waited:.1f} s after there was room again")
    assert waited < HEARD_AGAIN


def test_slow_redis(make_world, sqlite_url: str, proxy: Proxy) -> None:  # type: ignore[no-untyped-def]
    """200 ms for each command: pages answer within seconds and tweets are hardly late."""
    world: World = make_world(sqlite_url, REDIS_URL=proxy.redis_url)
    site = world.start_web()
    world.start_worker()
    proxy.delay = 0.2
    tweets = write_tweets(world, "past a slow Redis", PEOPLE, sized(40, 300), sized(6.0, 60.0))
    author = Author(site, "author")
    author.start()
    reader = Visitor(site)
    reader.sign_in("author")
    slowest, asked, end = 0.0, 0, time.monotonic() + sized(7.0, 65.0)
    while time.monotonic() < end:
        started = time.monotonic()
        ids = ",".join(list(author.jobs.values())[-20:])
        answer = reader.get(f"/status?job_ids={ids}")
        assert answer.status_code == 200, answer.text
        slowest, asked = max(slowest, time.monotonic() - started), asked + 1
    written = author.finish()
    print(
        f"\n/status of 20 jobs: slowest {slowest:.2f} s of {asked}; submit {author.slowest:.2f} s"
    )
    figures = settle(world, tweets | written, "Redis with 200 ms a command")
    assert set(author.answers) == {202}
    assert author.slowest < 5  # each process connects once, with a dozen commands
    assert slowest < 3
    assert figures.p99 < AGAIN_AFTER + SLACK


class Poller(threading.Thread):
    """A browser that asks again and again."""

    def __init__(self, visitor: Visitor, job_id: str) -> None:
        super().__init__(daemon=True)
        self.enough = threading.Event()
        self.seen: list[tuple[str, str]] = []
        self.slowest = 0.0
        self._visitor, self._job_id = visitor, job_id

    def run(self) -> None:
        """Ask until it is enough."""
        while not self.enough.wait(0.6):
            started = time.monotonic()
            status = self._visitor.status(self._job_id)
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.seen.append((status["status"], status["celery_state"]))


@pytest.mark.parametrize("kind", ["stopped", "silent"])
def test_gone_while_browsers_poll(make_world, sqlite_url: str, proxy: Proxy, kind: str) -> None:  # type: ignore[no-untyped-def]
    """/status goes on telling the row's truth, soon, and says that Celery's word is missing."""
    world: World = make_world(sqlite_url, REDIS_URL=proxy.redis_url)
    site = world.start_web()
    world.start_worker()
    visitors = [Visitor(site) for _ in range(8)]
    for visitor in visitors:
        visitor.sign_in("ana")
    tweets = {"done before": visitors[0].post("/tweets", text="done before").json()["job_id"]}
    visitors[0].until_final(tweets["done before"])
    if kind == "stopped":
        world.valkey.stop()
    else:
        proxy.swallow()
    try:
        gone = {"while gone": world.tweet_later(world.user("ana"), "while gone")}
        pollers = [
            Poller(visitor, job_id)
            for visitor, job_id in zip(
                visitors, [*tweets.values(), *gone.values()] * 4, strict=True
            )
        ]
        for poller in pollers:
            poller.start()
        time.sleep(sized(6.0, 60.0))  # the length of the fault
        for poller in pollers:
            poller.enough.set()
        for poller in pollers:
            poller.join(30)
    finally:
        if kind == "stopped":
            world.valkey.start()
        proxy.heal()
    slowest, asked = max(p.slowest for p in pollers), sum(len(p.seen) for p in pollers)
    print(f"\nRedis {kind}: {asked} answers of /status, the slowest after {slowest:.2f} s")
    assert {word for poller in pollers for word in poller.seen[1:]} <= {
        ("done", "UNAVAILABLE"),
        ("pending", "UNAVAILABLE"),
    }
    assert all(poller.seen[-1][0] == "done" for poller in pollers)
    assert all(word == "done" for poller in pollers[::2] for word, _ in poller.seen)
    assert slowest < 5
    wait_for(
        lambda: visitors[0].status(tweets["done before"])["celery_state"] != "UNAVAILABLE",
        what="Celery's word",
    )
    settle(world, tweets | gone, f"Redis {kind} while browsers poll")


@BOTH_IN_FULL
def test_stopped_for_minutes(world: World) -> None:
    """Without Redis tweets go out on time, also through a deploy in the middle of it."""
    worker = world.start_worker()
    length = sized(8.0, 300.0)
    world.valkey.stop()
    try:
        tweets = write_tweets(world, "without Redis", PEOPLE, sized(40, 1000), length)
        wait_for(lambda: world.sandbox.calls() > len(tweets) / 2, length + 60, "half of the tweets")
        world.start_worker()
        started = time.monotonic()
        world.kill(worker, signal.SIGTERM)
        print(f"\na worker without Redis stopped within {time.monotonic() - started:.1f} s")
        figures = settle(world, tweets, f"Redis stopped for {length:g} s")
    finally:
        world.valkey.start()
    assert figures.p99 < AGAIN_AFTER + SLACK
    wait_for(lambda: knows_the_new_redis(world), what="the worker's look at the new Redis")
    waited, notified = until_heard(world, "with Redis")
    settle(world, notified, f"heard {waited:.1f} s after Redis came back")
    assert waited < HEARD_AGAIN


def test_half_open_connections(small_world: World, proxy: Proxy) -> None:
    """The path falls silent without a word: the worker consumes again soon after it works."""
    world = small_world
    world.start_worker(REDIS_URL=proxy.redis_url, **LONG_PATIENCE)
    _, notified = until_heard(world, "before")
    tweets = write_tweets(world, "over a silent path", PEOPLE, sized(20, 200), sized(4.0, 60.0))
    proxy.swallow()
    time.sleep(sized(5.0, 60.0))  # the length of the fault
    proxy.heal()
    waited, after = until_heard(world, "after the silence")
    print(f"\nheard through the broker {waited:.1f} s after the path worked again")
    assert waited < HEARD_AGAIN
    figures = settle(world, tweets, "half-open connections to Redis")
    assert figures.p99 < AGAIN_AFTER + SLACK
    promise_kept(world, notified | after, "notified over the path")
