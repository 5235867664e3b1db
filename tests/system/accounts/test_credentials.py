"""A worker stops before or after it spends a refresh token, and wakes when others have gone on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from subprocess import Popen

import pytest

from app.db import db
from app.models import Account
from app.states import State
from tests.conftest import MakeWorld
from tests.support.crowd import account_of
from tests.support.freezing import freeze_the_only_one, wake
from tests.support.gate import Gate
from tests.support.waiting import wait_for
from tests.support.world import World


@pytest.fixture
def world(make_world: MakeWorld, sqlite_url: str) -> World:
    """An installation that waits for answers for so long that there is time to stop it."""
    return make_world(sqlite_url, SEND_TIMEOUT="3")


@pytest.fixture
def gate(small_world: World) -> Iterator[Gate]:
    """X's door: a call waits there before its first byte."""
    with closing(Gate(small_world.sandbox.port)) as gate:
        yield gate


def test_who_slept_through_the_lease_spends_no_token(small_world: World, gate: Gate) -> None:
    """X ends every access when a spent refresh token comes again: so it must not come."""
    world = small_world
    world.sandbox.settings(family_revocation=True)
    ana = world.user("ana")
    end_access(world, "ana")
    sleeper = world.start_worker(X_API_URL=gate.url)
    first = world.tweet_later(ana, "Good morning")
    wait_for(lambda: account_of(world, "ana").refresh_lease_until, what="the lease")
    freeze_the_only_one(world, sleeper)
    gate.open()
    world.start_worker()
    world.until_state(first, State.PUBLISHED)

    world.kill(sleeper, signal.SIGCONT)
    again = [world.tweet_later(ana, f"Number {number}") for number in range(10)]
    assert set(world.until_settled(again).values()) == {State.PUBLISHED}
    assert world.sandbox.calls("token") == 1


def test_a_fresh_access_that_comes_late_is_used(world: World) -> None:
    """Its worker slept, another spent the token in vain and gave up: nobody need sign in again."""
    ana = world.user("ana")
    end_access(world, "ana")
    world.sandbox.fault("slow", operation="token", seconds=2.5)
    sleeper, job = asleep_in_a_refresh(world, ana)
    world.start_worker()
    world.until_state(job, State.HELD)

    world.kill(sleeper, signal.SIGCONT)
    world.until_state(job, State.PUBLISHED)
    assert not account_of(world, "ana").needs_reconnect


def test_an_app_that_was_refused_long_ago_is_not_stopped(world: World) -> None:
    """X has taken the app back since the sleeper was told: what is due goes out."""
    ana = world.user("ana")
    end_access(world, "ana")
    world.sandbox.fault("slow", operation="token", seconds=2.5)
    refusal = {"error": "invalid_client"}
    world.sandbox.fault("status", operation="token", status=401, body=refusal)
    sleeper, first = asleep_in_a_refresh(world, ana)
    world.start_worker()
    world.until_state(first, State.PUBLISHED)

    wake(world, sleeper)
    again = [world.tweet_later(ana, f"Number {number}") for number in range(10)]
    assert set(world.until_settled(again).values()) == {State.PUBLISHED}


def asleep_in_a_refresh(world: World, user_id: int) -> tuple[Popen[bytes], str]:
    """Return a worker that was stopped while X is asked, and the job that it does that for."""
    sleeper = world.start_worker()
    job = world.tweet_later(user_id, "Good morning")
    wait_for(lambda: world.sandbox.calls("token") == 1, what="the refresh")
    freeze_the_only_one(world, sleeper)
    return sleeper, job


def end_access(world: World, handle: str) -> None:
    """Let the first worker that needs it refresh somebody's access."""
    with world.rows():
        stale = db.update(Account).where(Account.handle == handle).values(credentials_stale=True)
        db.session.execute(stale)
        db.session.commit()
