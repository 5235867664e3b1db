"""X takes tweets without saying so, fails, refuses, and sets limits, one account for each way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.db import database_now, db
from app.models import Delivery
from app.states import State
from tests.support.crowd import BOTH_IN_FULL, account_of, rows_of, write_tweets
from tests.support.figures import promise_kept, sized
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = [BOTH_IN_FULL, pytest.mark.timeout(sized(600, 900))]

EACH = sized(4, 25)
"""Tweets for each way to misbehave."""
LIMITED = sized(5.0, 30.0)
"""Seconds until an allowance is refilled."""

TAKEN: dict[str, dict[str, Any]] = {
    "took it, reset the line": {"kind": "accept_then_drop"},
    "took it, closed the line": {"kind": "accept_then_drop", "how": "close"},
    "took it, hung past the time limit": {"kind": "accept_then_hang", "seconds": 4},
    "took it after the time limit": {"kind": "slow", "seconds": 2.5},
    "took it, said 500": {"kind": "accept_then_status", "status": 500},
    "took it, said 502 in HTML": {
        "kind": "accept_then_status",
        "status": 502,
        "body_form": "html",
    },
    "took it, said 503": {"kind": "accept_then_status", "status": 503},
    "took it, 2xx with garbage": {"kind": "garbage"},
    "took it, 2xx truncated": {"kind": "truncated"},
}
LEFT: dict[str, dict[str, Any]] = {
    "did not take it, reset the line": {"kind": "drop"},
    "did not take it, closed the line": {"kind": "drop", "how": "close"},
    "did not take it, said 500": {"kind": "status", "status": 500},
    "did not take it, said 502 in HTML": {"kind": "status", "status": 502, "body_form": "html"},
    "did not take it, said 503": {"kind": "status", "status": 503},
    "did not take it, redirected": {"kind": "redirect"},
}
NEVER = "never takes it, resets the line"
REFUSED: dict[str, tuple[int, str]] = {
    "refused with 400": (400, "rejected"),
    "refused with 403": (403, "rejected"),
    "refused with 404": (404, "not_found"),
}
TOLD_WHEN = ("short", "user-day", "retry-after")


@pytest.fixture
def open_world(world: World) -> World:
    """X does not hide a tweet that is sent twice."""
    world.sandbox.settings(duplicate_window=0)
    return world


def break_and_write(
    world: World, faults: dict[str, dict[str, Any]], **common: Any
) -> dict[str, dict[str, str]]:
    """Set a fault for an account of its own each, and write its tweets; return jobs by name."""
    for number, fault in enumerate(faults.values()):
        world.sandbox.fault(handle=f"way{number}", **{**common, **fault})
    return {
        name: write_tweets(world, name, [f"way{number}"], EACH)
        for number, name in enumerate(faults)
    }


def every(groups: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return the jobs of all groups together."""
    return {text: job_id for jobs in groups.values() for text, job_id in jobs.items()}


def test_taken_but_not_said(open_world: World) -> None:
    """However the answer is lost, the look-up finds the tweet and nothing is sent again."""
    world = open_world
    world.start_worker()
    groups = break_and_write(world, TAKEN, count=None)
    everything = every(groups)
    world.until_settled(list(everything.values()))
    for name, jobs in groups.items():
        promise_kept(world, jobs, name)
        rows = rows_of(world, jobs)
        assert {(row.state, row.error_code) for row in rows} == {(State.PUBLISHED, None)}
        assert set(world.calls_begun(*jobs.values())) == {1}
        assert all(row.unconfirmed_at for row in rows), name  # the fault did happen
    assert world.sandbox.texts() == dict.fromkeys(everything, 1)
    assert world.sandbox.calls() == len(everything)


def test_not_taken_and_not_said(open_world: World) -> None:
    """What X never took is sent once more, after all look-ups came back empty.

    When that one is lost as well, X is left alone and the owner decides.
    """
    world = open_world
    world.start_worker()
    groups = break_and_write(world, {**LEFT, NEVER: {"kind": "drop", "count": None}}, count=EACH)
    everything = every(groups)
    world.until_settled(list(everything.values()))
    for name, jobs in groups.items():
        promise_kept(world, jobs, name)
        expected = (State.REVIEW, "never_seen") if name == NEVER else (State.PUBLISHED, None)
        assert {(row.state, row.error_code) for row in rows_of(world, jobs)} == {expected}
        assert set(world.calls_begun(*jobs.values())) == {2}
        assert min(seconds_between_attempts(world, jobs)) >= 2.5, name  # the look-ups take three
    assert world.sandbox.texts() == dict.fromkeys(everything.keys() - groups[NEVER].keys(), 1)
    assert world.sandbox.calls() == 2 * len(everything)


def seconds_between_attempts(world: World, jobs: dict[str, str]) -> list[float]:
    """Return how long after its first attempt each of these tweets was sent again."""
    with world.rows():
        rows = db.session.scalars(db.select(Delivery).where(Delivery.id.in_(jobs.values())))
        pairs = [(row.history[0], row.history[-1]) for row in rows]
        return [(last.started_at - first.started_at).total_seconds() for first, last in pairs]


def test_a_refused_tweet_fails_with_the_reason(open_world: World) -> None:
    """A no to the content is final: no look-up, no second call, and the code says which no."""
    world = open_world
    world.start_worker()
    refusals = {name: {"kind": "refuse", "status": status} for name, (status, _) in REFUSED.items()}
    groups = break_and_write(world, refusals, count=None)
    everything = every(groups)
    world.until_settled(list(everything.values()))
    for name, jobs in groups.items():
        promise_kept(world, jobs, name)
        assert {(row.state, row.error_code) for row in rows_of(world, jobs)} == {
            (State.FAILED, REFUSED[name][1])
        }
        assert set(world.calls_begun(*jobs.values())) == {1}
    assert world.sandbox.texts() == {}
    assert world.sandbox.calls() == len(everything)
    assert world.sandbox.calls("timeline") == 0


def test_limits_that_say_when_they_end(open_world: World) -> None:
    """429: whichever header group tells, X is asked again after that time and not before."""
    world = open_world
    world.start_worker()
    limits = {
        f"limited, {group} headers": {"kind": "rate_limit", "group": group} for group in TOLD_WHEN
    }
    groups = break_and_write(world, limits, for_seconds=LIMITED)
    others = write_tweets(world, "not limited", ["other"], EACH)
    everything = every(groups)
    world.until_settled(list((everything | others).values()), seconds=LIMITED + 60)
    for name, jobs in groups.items():
        promise_kept(world, jobs, name)
        assert_asked_again_only_once(world, jobs, name)
    figures = promise_kept(world, others, "others meanwhile")
    assert set(world.calls_begun(*others.values())) == {1}
    assert figures.longest < LIMITED
    assert world.sandbox.calls() == sum(world.calls_begun(*(everything | others).values()))


def assert_asked_again_only_once(world: World, jobs: dict[str, str], name: str) -> None:
    """Somebody was refused, and whoever was refused was sent once more, when it worked."""
    rows = rows_of(world, jobs)
    assert {row.state for row in rows} == {State.PUBLISHED}, name
    begun = world.calls_begun(*jobs.values())
    assert set(begun) <= {1, 2}, name
    assert max(begun) == 2, name
    assert all(row.unconfirmed_at is None for row in rows), name


def test_an_empty_allowance_of_the_app_stops_everybody(open_world: World) -> None:
    """429 with an empty bucket of the app: nobody asks X until it is refilled."""
    world = open_world
    world.start_worker()
    name = "limited, app-day headers"
    limit = {name: {"kind": "rate_limit", "group": "app-day"}}
    jobs = break_and_write(world, limit, for_seconds=LIMITED)[name]
    wait_for(lambda: world.sandbox.calls() > 0, what="the refusal")
    others = write_tweets(world, "everybody waits", ["other"], EACH)
    world.until_settled(list((jobs | others).values()), seconds=LIMITED + 60)
    promise_kept(world, jobs, name)
    assert_asked_again_only_once(world, jobs, name)
    promise_kept(world, others, "others wait as well")
    assert set(world.calls_begun(*others.values())) == {1}
    first_other = min(row.accepted_at for row in rows_of(world, others) if row.accepted_at)
    first = min(row.accepted_at for row in rows_of(world, jobs) if row.accepted_at)
    assert first_other > first - timedelta(seconds=2)


def test_a_limit_that_does_not_say_when_it_ends(open_world: World) -> None:
    """429 without a word: a quarter of an hour, then half an hour, without asking X meanwhile."""
    world = open_world
    world.start_worker()
    name = "limited, no headers"
    limit = {name: {"kind": "rate_limit", "group": "none"}}
    jobs = break_and_write(world, limit, count=None)[name]
    for number, minutes in enumerate((15, 30)):
        wait_for(lambda m=minutes: minutes_left(world) > m - 1, what=f"a pause of {minutes} min")
        wait_for(lambda: all_put_off(world, jobs), what="the end of the pause in every row")
        calls = world.sandbox.calls()
        promise_kept(world, jobs, f"{name}, pause {number + 1}")
        assert minutes - 1 < minutes_left(world) <= minutes
        assert world.sandbox.texts() == {}
        assert world.sandbox.calls() == calls
        if number == 1:
            world.sandbox.mend()
        let_pass(world, minutes)
    world.until_settled(list(jobs.values()))
    promise_kept(world, jobs, f"{name}, at last")
    assert world.sandbox.texts() == dict.fromkeys(jobs, 1)


def all_put_off(world: World, jobs: dict[str, str]) -> bool:
    """True when each of these waits for more than its moment."""
    rows = rows_of(world, jobs)
    return all(row.state == State.SCHEDULED and row.not_before > row.due_at for row in rows)


def minutes_left(world: World) -> float:
    """Return how long the limited account is still left alone."""
    paused_until = account_of(world, "way0").paused_until
    with world.rows():
        return (paused_until - database_now()).total_seconds() / 60 if paused_until else 0.0


def let_pass(world: World, minutes: int) -> None:
    """Move what was put off, and the pause itself, so far back as if these minutes had passed."""
    shift = {"shift": minutes * 60_000}
    with world.rows():
        put_off = db.text(
            "UPDATE deliveries SET not_before = not_before - :shift, next_at = next_at - :shift"
            " WHERE not_before > due_at"
        )
        db.session.execute(put_off, shift)
        pause = db.text("UPDATE accounts SET paused_until = paused_until - :shift")
        db.session.execute(pause, shift)
        db.session.commit()
