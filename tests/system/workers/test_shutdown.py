"""A deploy while X hangs: SIGTERM, and the worker is gone before the platform would kill it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

from app.db import db
from app.states import State
from tests.conftest import MakeWorld
from tests.support.figures import promise_kept
from tests.support.waiting import wait_for
from tests.support.world import World

DEADLINE = 25
"""Heroku kills 30 seconds after SIGTERM."""
HANGING = 60.0
USUAL = {"SEND_TIMEOUT": "15"}
"""How long a network may take by default; the quick tests take less."""


def seconds_to_leave(worker: subprocess.Popen[bytes]) -> float:
    """Send SIGTERM to the worker's process group; return when all of it is gone, in seconds."""
    started = time.monotonic()
    os.killpg(worker.pid, signal.SIGTERM)
    worker.wait(60)
    wait_for(lambda: not group_lives(worker.pid), what="the end of the whole group")
    seconds = time.monotonic() - started
    print(f"\nleft {seconds:.1f} s after SIGTERM")
    return seconds


def group_lives(group: int) -> bool:
    """True while any process of the group is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, 0)
        return True
    return False


def half_a_minute_later(world: World) -> None:
    """Bring all wake-ups forward: a look-up that was cut short is due again after its lease."""
    with world.rows():
        db.session.execute(db.text("UPDATE deliveries SET next_at = next_at - 30000"))
        db.session.commit()


def test_sigterm_while_refreshes_and_look_ups_hang(make_world: MakeWorld, sqlite_url: str) -> None:
    """What waits for a token is handed back; of the look-ups, those under way are finished."""
    world = make_world(sqlite_url, **USUAL)
    lost = [world.user(f"person{n}") for n in range(4)]
    stale = {handle: world.user(handle) for handle in ("ana", "ben", "cleo")}
    for handle in stale:
        world.sandbox.control("revoke", handle=handle, what="access")
    world.sandbox.fault("accept_then_drop", count=len(lost))
    world.sandbox.fault("slow", "timeline", seconds=HANGING, count=None)
    world.sandbox.fault("slow", "token", seconds=HANGING, count=None)
    worker = world.start_worker()
    looked_for = {
        f"looked for, {n}": world.tweet_later(user, f"looked for, {n}")
        for n, user in enumerate(lost)
    }
    wait_for(lambda: world.sandbox.calls("timeline") > 0, what="the first look-up")
    waiting = {
        f"{handle} waits for a token, {n}": world.tweet_later(
            user, f"{handle} waits for a token, {n}"
        )
        for handle, user in stale.items()
        for n in range(2)
    }
    wait_for(lambda: world.sandbox.calls("token") == len(stale), what="the refreshes")
    assert seconds_to_leave(worker) < DEADLINE
    assert set(world.states(list(waiting.values())).values()) == {State.SCHEDULED}
    assert set(world.states(list(looked_for.values())).values()) == {State.UNCONFIRMED}

    half_a_minute_later(world)
    world.sandbox.mend()
    world.start_worker()
    jobs = waiting | looked_for
    assert set(world.until_settled(list(jobs.values())).values()) == {State.PUBLISHED}
    promise_kept(world, jobs, "SIGTERM while refreshes and look-ups hang")
