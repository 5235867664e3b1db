"""How many workers there should be, as a pure function of what is needed and what there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.autoscale.decision import Policy, workers_needed, workers_wanted
from app.autoscale.demand import Demand

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
POLICY = Policy(lead=30, idle=60, most=3, backlog=100)
LONG_IDLE = 600.0


def due_in(seconds: float | None, rows: int = 0, under_way: bool = False) -> Demand:
    """Return a demand whose next wake-up is so many seconds away; None for no wake-up."""
    next_wake_up = None if seconds is None else NOW + timedelta(seconds=seconds)
    return Demand(NOW, next_wake_up, under_way, rows)


@pytest.mark.parametrize(
    ("demand", "needed"),
    [
        (due_in(None), 0),
        (due_in(86_400), 0),
        (due_in(30.1), 0),
        (due_in(30), 1),
        (due_in(-5), 1),  # not begun although it is due: this needs a worker all the more
        (due_in(300, under_way=True), 1),  # the next look-up of something unconfirmed, say
        (due_in(0, rows=100), 1),
        (due_in(0, rows=101), 2),
        (due_in(20, rows=250), 3),  # they pile up before they are due
        (due_in(0, rows=100_000), 3),
    ],
)
def test_what_is_needed(demand: Demand, needed: int) -> None:
    """One for what is due soon or under way, more for many rows, never more than allowed."""
    assert workers_needed(demand, POLICY) == needed


def test_more_come_at_once() -> None:
    """However long nothing was needed."""
    assert workers_wanted(due_in(10), POLICY, running=0, idle=0) == 1
    assert workers_wanted(due_in(0, rows=250), POLICY, running=1, idle=LONG_IDLE) == 3


@pytest.mark.parametrize("later", [None, 86_400, 61])
def test_they_go_after_a_while(later: float | None) -> None:
    """They are told to stop a little early, so that they have gone when the time is over."""
    assert workers_wanted(due_in(later), POLICY, running=2, idle=56.9) == 2
    assert workers_wanted(due_in(later), POLICY, running=2, idle=57) == 0


def test_none_goes_just_before_it_is_needed_again() -> None:
    """To stop one and start another would take as long."""
    assert workers_wanted(due_in(60), POLICY, running=1, idle=LONG_IDLE) == 1


def test_a_small_rest_keeps_one() -> None:
    """After a burst the others go."""
    assert workers_wanted(due_in(0, rows=3), POLICY, running=3, idle=10) == 3
    assert workers_wanted(due_in(0, rows=3), POLICY, running=3, idle=60) == 1


def test_what_somebody_started_by_hand_goes_too() -> None:
    """More than are allowed count as not needed."""
    assert workers_wanted(due_in(0, rows=900), POLICY, running=8, idle=60) == 3


def test_counting_ends_where_it_changes_nothing() -> None:
    """With a million due rows, only so many are looked at as tell how many workers they need."""
    rows = POLICY.rows_that_matter
    assert workers_needed(due_in(0, rows=rows), POLICY) == POLICY.most
    assert workers_needed(due_in(0, rows=rows - 1), POLICY) < POLICY.most
