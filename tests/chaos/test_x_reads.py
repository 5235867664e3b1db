"""X forgets tokens, answers refreshes late, and shows its timeline late, broken or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.states import HoldReason, State
from tests.conftest import MakeWorld
from tests.support.crowd import (
    BOTH_IN_FULL,
    account_of,
    rows_of,
    until_all,
    until_posts_arrive,
    write_tweets,
)
from tests.support.figures import FULL, promise_kept, sized
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = [BOTH_IN_FULL, pytest.mark.timeout(sized(600, 900))]

EACH = sized(4, 25)
"""Tweets for each way to misbehave."""
LAG = sized(2.5, 180.0)
"""Seconds until X shows a tweet."""
LATE_REFRESH = sized(4.0, 30.0)
"""Seconds after which X answers a refresh: longer than anybody waits for it."""
UNREADABLE = sized(4.0, 20.0)
"""Seconds for which X's timeline cannot be read."""

UNREADABLE_WAYS: dict[str, dict[str, Any]] = {
    "timeline 503": {"kind": "status", "status": 503},
    "timeline 500 in HTML": {"kind": "status", "status": 500, "body_form": "html"},
    "timeline 401": {"kind": "status", "status": 401},
    "timeline 429": {"kind": "rate_limit", "reset_in": 900},
    "timeline drops the line": {"kind": "drop"},
    "timeline hangs": {"kind": "slow", "seconds": 3},
    "timeline redirects": {"kind": "redirect"},
    "timeline garbage": {"kind": "garbage"},
    "timeline truncated": {"kind": "truncated"},
}


@pytest.fixture
def open_world(world: World) -> World:
    """X does not hide a tweet that is sent twice."""
    world.sandbox.settings(duplicate_window=0)
    return world


def revoke_in_the_middle(world: World, name: str, handle: str, what: str) -> dict[str, str]:
    """Write tweets that come due over a while, and revoke the token when some are out."""
    jobs = write_tweets(world, name, [handle], 2 * EACH, within=2)
    until_posts_arrive(world, jobs.values(), 2)
    world.sandbox.control("revoke", handle=handle, what=what)
    return jobs


def test_a_revoked_token_that_a_refresh_replaces(open_world: World) -> None:
    """401 in the middle: one refresh, and every tweet goes out once."""
    world = open_world
    world.sandbox.settings(family_revocation=True)
    world.start_worker()
    jobs = revoke_in_the_middle(world, "401, a refresh helps", "ana", "access")
    until_all(world, jobs, State.PUBLISHED)
    promise_kept(world, jobs, "401 in the middle, a refresh helps")
    assert world.sandbox.calls("token") == 1
    assert max(world.calls_begun(*jobs.values())) <= 2
    assert all(row.unconfirmed_at is None for row in rows_of(world, jobs))


def test_a_revoked_token_that_nothing_replaces(open_world: World) -> None:
    """401 in the middle and a dead refresh token: the rest is held until its owner reconnects."""
    world = open_world
    world.start_worker()
    jobs = revoke_in_the_middle(world, "401, nothing helps", "ana", "all")
    others = write_tweets(world, "not revoked", ["ben"], EACH)
    world.until_settled(list((jobs | others).values()))
    figures = promise_kept(world, jobs, "401 in the middle, nothing helps")
    assert figures.states.keys() == {State.PUBLISHED, State.HELD}
    held = [row for row in rows_of(world, jobs) if row.state == State.HELD]
    assert {row.hold_reason for row in held} == {HoldReason.RECONNECT}
    assert {row.state for row in rows_of(world, others)} == {State.PUBLISHED}
    assert world.sandbox.calls("token") == 1
    world.user("ana")  # connects again
    until_all(world, jobs, State.PUBLISHED)
    promise_kept(world, jobs | others, "401 in the middle, connected again")


REFRESHES: dict[str, tuple[dict[str, Any], State]] = {
    "refresh carried out late": ({"kind": "slow", "seconds": LATE_REFRESH}, State.PUBLISHED),
    "refresh answered late": (
        {"kind": "accept_then_hang", "seconds": LATE_REFRESH},
        State.HELD,
    ),
    "refresh answer lost": ({"kind": "accept_then_drop"}, State.HELD),
    "refresh failed once": ({"kind": "status", "status": 503}, State.PUBLISHED),
    "refresh failed, HTML": (
        {"kind": "status", "status": 502, "body_form": "html", "count": 3},
        State.PUBLISHED,
    ),
}


def test_refreshes_that_are_late_or_lost(open_world: World) -> None:
    """A spent token whose successor never came holds the tweets; any other delay only delays."""
    world = open_world
    world.start_worker()
    groups: dict[str, dict[str, str]] = {}
    for number, (name, (fault, _)) in enumerate(REFRESHES.items()):
        handle = f"way{number}"
        groups[name] = write_tweets(world, name, [handle], EACH)
        world.sandbox.fault(operation="token", handle=handle, **fault)
        world.sandbox.control("revoke", handle=handle, what="access")
    for name, jobs in groups.items():
        until_all(world, jobs, REFRESHES[name][1])
        promise_kept(world, jobs, name)
    for number, (_, state) in enumerate(REFRESHES.values()):
        if state == State.HELD:
            world.user(f"way{number}")  # connects again
    everything = {text: job for jobs in groups.values() for text, job in jobs.items()}
    until_all(world, everything, State.PUBLISHED)
    promise_kept(world, everything, "refreshes late or lost, connected again")


def test_a_timeline_that_lags(make_world: MakeWorld, database_url: str) -> None:
    """What X shows minutes later is found then, and never sent again."""
    delays = "10,30,90,180,300" if FULL else "1,2,3,5"
    world = make_world(database_url, RECONCILE_DELAYS=delays)
    world.sandbox.settings(duplicate_window=0, read_lag=LAG)
    world.sandbox.fault("accept_then_drop", count=None)
    world.start_worker()
    jobs = write_tweets(world, "lagging", ["ana", "ben"], 2 * EACH)
    until_all(world, jobs, State.PUBLISHED, seconds=LAG + 180)
    promise_kept(world, jobs, f"timeline lagging {LAG:g} s")
    assert set(world.calls_begun(*jobs.values())) == {1}
    assert world.sandbox.calls() == len(jobs)


def test_a_timeline_that_cannot_be_read_for_a_while(open_world: World) -> None:
    """A look-up that fails counts for nothing; the next one that works finds the tweet."""
    world = open_world
    world.start_worker()
    groups: dict[str, dict[str, str]] = {}
    readable_at: dict[str, datetime] = {}
    for number, (name, fault) in enumerate(UNREADABLE_WAYS.items()):
        handle = f"way{number}"
        groups[name] = write_tweets(world, name, [handle], EACH)
        world.sandbox.fault("accept_then_drop", handle=handle, count=None)
        readable_at[name] = datetime.now(UTC) + timedelta(seconds=UNREADABLE)
        world.sandbox.fault(operation="timeline", handle=handle, for_seconds=UNREADABLE, **fault)
    everything = {text: job for jobs in groups.values() for text, job in jobs.items()}
    world.until_settled(list(everything.values()), seconds=UNREADABLE + 90)
    for name, jobs in groups.items():
        promise_kept(world, jobs, name)
        for row in rows_of(world, jobs):
            assert (row.state, row.resends) == (State.PUBLISHED, 0), name
            assert row.finished_at, name
            assert row.finished_at > readable_at[name], name
    assert world.sandbox.calls() == len(everything)


def test_absence_is_only_what_was_read(open_world: World) -> None:
    """Not taken, and the timeline unreadable: sent again only after reading that it is absent."""
    world = open_world
    world.sandbox.fault("drop", count=EACH)
    world.sandbox.fault("status", operation="timeline", status=503, count=None)
    world.start_worker()
    jobs = write_tweets(world, "absent, unreadable", ["ana"], EACH)
    until_all(world, jobs, State.UNCONFIRMED)
    wait_for(lambda: world.sandbox.calls("timeline") >= 3, what="look-ups in vain")
    until_all(world, jobs, State.UNCONFIRMED)
    assert world.sandbox.calls() == len(jobs)
    world.sandbox.mend()
    until_all(world, jobs, State.PUBLISHED)
    promise_kept(world, jobs, "not taken, timeline unreadable at first")
    assert set(world.calls_begun(*jobs.values())) == {2}


def test_a_timeline_that_is_never_readable_asks_the_owner(
    make_world: MakeWorld, database_url: str
) -> None:
    """What cannot be known is not guessed: no second call, and the owner decides."""
    world = make_world(database_url, RECONCILE_GIVE_UP_AFTER=str(sized(4, 45)))
    world.sandbox.settings(duplicate_window=0)
    world.sandbox.fault("accept_then_drop", count=None)
    world.start_worker()
    jobs: dict[str, str] = {}
    for handle, status in (("ana", 403), ("ben", 503)):
        fault = {"kind": "status", "status": status, "handle": handle, "count": None}
        world.sandbox.fault(operation="timeline", **fault)
        jobs |= write_tweets(world, f"timeline {status} for ever", [handle], EACH)
    until_all(world, jobs, State.REVIEW)
    promise_kept(world, jobs, "timeline 403 or 503 for ever")
    assert {row.error_code for row in rows_of(world, jobs)} == {"unreadable"}
    assert set(world.calls_begun(*jobs.values())) == {1}
    assert world.sandbox.calls() == len(jobs)


def test_a_duplicate_refused_after_a_lost_answer(world: World) -> None:
    """Shown later than every look-up: the resend is refused as a duplicate, which is a proof.

    An owner who writes the same text again learns that X refuses it.
    """
    world.sandbox.settings(read_lag=300)
    world.sandbox.fault("accept_then_drop", count=EACH)
    world.start_worker()
    jobs = write_tweets(world, "said already", ["ana"], EACH)
    wait_for(lambda: world.sandbox.calls() == 2 * EACH, what="resends, which are refused")
    world.sandbox.settings(read_lag=0)
    until_all(world, jobs, State.PUBLISHED)
    promise_kept(world, jobs, "duplicate refused after a lost answer")
    rows = rows_of(world, jobs)
    assert {(row.resends, row.echoed) for row in rows} == {(1, True)}
    assert set(world.calls_begun(*jobs.values())) == {2}
    assert world.sandbox.calls() == 2 * len(jobs)
    again = world.tweet_later(account_of(world, "ana").user_id, "said already 0")
    assert world.until_state(again, State.FAILED).error_code == "duplicate"
    assert world.calls_begun(again) == [1]
