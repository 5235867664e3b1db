"""The protocol as a model: any order of events, crashes between any two statements."""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.ground import Ground
from tests.model.machine import Machine
from tests.support.figures import FULL, sized

pytestmark = pytest.mark.timeout(sized(600, 7200))

EXAMPLES = sized(6, 120)
STEPS = sized(40, 60)
ALWAYS = 11
"""The seed of the short version: it tells the same stories every time."""
SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    # Shrinking takes many minutes: what fails is shrunk with CHAOS=full and the seed it failed at.
    phases=[Phase.generate, Phase.shrink] if FULL else [Phase.generate],
)


def test_the_promise_holds_in_any_order(database_url: str) -> None:
    """Nothing is doubled, lost, early, altered, asleep or overwritten, whatever comes when."""
    chance = int(os.environ.get("CHAOS_SEED") or sized(ALWAYS, random.randrange(1_000_000)))
    print(f"\nmodel: CHAOS_SEED={chance}")
    ground = Ground(database_url)
    try:
        run_state_machine_as_test(seed(chance)(lambda: Machine(ground)), settings=SETTINGS)
    finally:
        ground.close()
    interrupted = ground.interruptions.happened
    print(f"model: {ground.seen['step']} steps, {interrupted.total()} interruptions")
    print(f"between two statements: {_counts(interrupted)}")
    print(f"seen: {_counts(ground.seen)}")


def _counts(counter: Counter[str]) -> str:
    return "; ".join(f"{what} {count}" for what, count in counter.most_common())
