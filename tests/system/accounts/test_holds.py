"""Pauses and stops: what several refusals at the same moment do to an account and a network."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest

from app.accounts import holds
from app.db import database_now, db, utcnow
from app.models import Account, Attempt, Delivery, Health, NetworkBlock, User
from app.states import HoldReason, State
from tests.conftest import MakeWorld
from tests.support.freezing import freeze_the_only_one
from tests.support.servers import Postgres
from tests.support.waiting import wait_for
from tests.support.world import World

PATIENT = {"SEND_TIMEOUT": "8"}
QUARTER = 15 * 60.0
MANY = 10
"""More than travel alone, so that they are claimed together, and few enough for all but the first
to go side by side at a server that has answered once."""


def first_alone_then_all(world: World, refuse: Callable[[], None]) -> list[str]:
    """Send many tweets of one account; set faults while its first one is on its way.

    That one takes less time than makes its server count as silent: the others go side by side.
    """
    ana = world.user("ana")
    world.sandbox.fault("accept_then_hang", seconds=2)
    due = utcnow() + timedelta(seconds=2)
    jobs = [world.tweet_later(ana, f"side by side {n}", due) for n in range(MANY)]
    world.start_worker()
    wait_for(lambda: world.sandbox.calls() == 1, what="the first call")
    refuse()
    wait_for(lambda: world.sandbox.calls() == MANY, what="the calls of all others")
    once = Counter({State.PUBLISHED: 1, State.SCHEDULED: MANY - 1})
    wait_for(lambda: Counter(world.states(jobs).values()) == once, what="all answers stored")
    return jobs


def pause_of(world: World, handle: str) -> tuple[int, float]:
    """Return the account's count of pauses and the seconds until the present one ends."""
    with world.rows():
        account = db.session.scalar(db.select(Account).where(Account.handle == handle))
        assert account is not None
        assert account.paused_until is not None
        return account.pauses, (account.paused_until - database_now()).total_seconds()


def stop_of(world: World) -> NetworkBlock | None:
    """Return the stop of X, detached."""
    with world.rows():
        stop = db.session.get(NetworkBlock, "x")
        if stop is not None:
            db.session.expunge(stop)
        return stop


def test_refusals_side_by_side_are_one_pause(make_world: MakeWorld, database_url: str) -> None:
    """Eleven 429s at once that do not say how long are one quarter of an hour, not 256 hours."""
    world = make_world(database_url, **PATIENT)
    first_alone_then_all(world, lambda: world.sandbox.fault("rate_limit", group="none", count=None))
    pauses, seconds = pause_of(world, "ana")
    assert pauses == 1
    assert QUARTER / 2 < seconds <= QUARTER


def test_a_stated_pause_is_never_shortened(make_world: MakeWorld, sqlite_url: str) -> None:
    """Of several waits that X states side by side the longest counts, whichever comes last."""
    world = make_world(sqlite_url, **PATIENT)

    def refuse() -> None:
        world.sandbox.fault("rate_limit", group="short", reset_in=300)
        world.sandbox.fault("slow", seconds=1, count=None)
        world.sandbox.fault("rate_limit", group="retry-after", reset_in=5, count=None)

    first_alone_then_all(world, refuse)
    assert pause_of(world, "ana")[1] > 200


def test_a_pause_does_not_weaken_a_stop(make_world: MakeWorld, sqlite_url: str) -> None:
    """402 stops the network; a 429 of the app's allowance that comes later does not free it."""
    world = make_world(sqlite_url, **PATIENT)
    world.sandbox.fault("credits", handle="ana")
    world.sandbox.fault("slow", handle="ben", seconds=6)
    world.sandbox.fault("rate_limit", handle="ben", group="app-day", reset_in=1)
    world.start_worker()
    ana, ben = (world.user(who) for who in ("ana", "ben"))
    jobs = [world.tweet_later(ben, "ben pays")]
    wait_for(lambda: world.sandbox.calls() == 1, what="Ben's call")
    jobs.append(world.tweet_later(ana, "ana pays"))
    stop = wait_for(lambda: stop_of(world), what="the stop")
    assert world.states(jobs)[jobs[0]] == State.SENDING, "Ben's call was to be under way"
    for job in jobs:
        assert world.until_state(job, State.HELD).hold_reason == HoldReason.NETWORK
    assert world.sandbox.calls() == 2
    later = stop_of(world)
    assert later is not None
    assert (later.holds, later.reason, later.probe_at) == (True, "no_credits", stop.probe_at)
    with world.rows():
        db.session.get_one(NetworkBlock, "x").probe_at = utcnow()
        db.session.commit()
    for job in jobs:
        world.until_state(job, State.PUBLISHED)
    assert set(world.sandbox.texts().values()) == {1}


def inserts_waiting(connection: psycopg.Connection) -> int:
    """Return how many sessions wait to insert a stop."""
    connection.execute("SELECT pg_stat_clear_snapshot()")  # else as this transaction saw it first
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO network_stops%'"
    )
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def test_two_workers_learn_of_the_same_stop_at_once(
    make_world: MakeWorld, postgres: tuple[Postgres, str]
) -> None:
    """Two first 402s stored at the same moment make one stop, and neither answer is lost."""
    server, template = postgres
    url = server.url(server.create(template))
    world = make_world(url, SEND_TIMEOUT="30")
    world.sandbox.fault("slow", seconds=3, count=None)
    world.sandbox.fault("credits", count=None)
    sleeper = world.start_worker()
    jobs = [world.tweet_later(world.user("ana"), "who pays for all")]
    wait_for(lambda: world.sandbox.calls() == 1, what="the first worker's call")
    freeze_the_only_one(world, sleeper)
    world.start_worker()
    jobs.append(world.tweet_later(world.user("ben"), "who pays for all"))
    wait_for(lambda: world.sandbox.calls() == 2, what="the second worker's call")
    with psycopg.connect(url) as connection:
        connection.execute("LOCK TABLE network_stops IN SHARE MODE")  # readable, not writable
        world.kill(sleeper, signal.SIGCONT)
        wait_for(lambda: inserts_waiting(connection) == 2, what="both workers wanting to store it")
        connection.rollback()
    for job in jobs:
        assert world.until_state(job, State.HELD).hold_reason == HoldReason.NETWORK
    with world.rows():
        attempts = db.session.scalars(db.select(Attempt)).all()
        assert [attempt.http_status for attempt in attempts] == [402, 402]


def test_a_tweet_written_while_its_account_is_connected_again(world: World) -> None:
    """It was loaded as ended, and is connected by now: the tweet is not held for ever."""
    ana = world.user("ana")
    world.start_worker()
    with world.rows():
        account = db.session.scalar(db.select(Account))
        assert account is not None
        holds.hold_account(account.id, account.credentials_version, "ended")
        db.session.commit()
    with world.rows():
        user = db.session.get_one(User, ana)
        assert user.accounts[0].needs_reconnect
        again = threading.Thread(target=world.user, args=("ana",))
        again.start()
        again.join()
        job = user.tweet_later("written in between")
    assert world.until_state(job, State.PUBLISHED).hold_reason is None


def test_a_hold_that_comes_after_its_network_is_back(world: World) -> None:
    """A worker decided to hold, the stop was lifted, then the hold was stored: it is undone."""
    job = world.tweet_later(world.user("ana"), "held a moment too late")
    with world.rows():
        held = {"state": State.HELD, "hold_reason": HoldReason.NETWORK, "next_at": None}
        db.session.execute(db.update(Delivery).values(held))
        db.session.commit()
    world.start_worker()
    world.until_state(job, State.PUBLISHED)


def test_what_was_forgotten_is_found_by_and_by(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many accounts have held rows: each search goes on where the one before ended."""
    monkeypatch.setattr(holds, "ACCOUNTS_AT_A_TIME", 2)
    people = [world.user(f"person{n}") for n in range(5)]
    jobs = [world.tweet_later(person, "held too long", "in one hour") for person in people]
    with world.rows():
        held = {"state": State.HELD, "hold_reason": HoldReason.RECONNECT, "next_at": None}
        db.session.execute(db.update(Delivery).values(held))
        ended = db.update(Account).where(Account.user_id == people[1])
        db.session.execute(ended.values(health=Health.RECONNECT))
        db.session.commit()
        rounds = [holds.release_forgotten()]
        while rounds[-1]:
            rounds.append(holds.release_forgotten(rounds[-1]))
    assert len(rounds) == 3
    states = world.states(jobs)
    assert [job for job in jobs if states[job] == State.HELD] == [jobs[1]]
