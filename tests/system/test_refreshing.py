"""A worker stops before it spends a refresh token, and wakes when others have spent it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from app.db import db
from app.models import Account
from app.states import State
from tests.support.crowd import account_of
from tests.support.freezing import freeze
from tests.support.gate import Gate
from tests.support.waiting import wait_for
from tests.support.world import World


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
    freeze(world, sleeper)
    gate.open()
    world.start_worker()
    world.until_state(first, State.PUBLISHED)

    world.kill(sleeper, signal.SIGCONT)
    again = [world.tweet_later(ana, f"Number {number}") for number in range(10)]
    assert set(world.until_settled(again).values()) == {State.PUBLISHED}
    assert world.sandbox.calls("token") == 1


def end_access(world: World, handle: str) -> None:
    """Let the first worker that needs it refresh somebody's access."""
    with world.rows():
        stale = db.update(Account).where(Account.handle == handle).values(credentials_stale=True)
        db.session.execute(stale)
        db.session.commit()
