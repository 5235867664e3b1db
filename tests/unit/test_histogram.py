"""Histograms of durations: what is read from them, and that hours add up to days."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import BigInteger, create_engine, literal, select

from app.models.histogram import Histogram, range_of

ENGINE = create_engine("sqlite://")


def of(durations: list[int]) -> Histogram:
    """Put durations into ranges, as the database does."""
    found = Histogram()
    with ENGINE.connect() as connection:
        for duration in durations:
            lower_end = connection.scalar(select(range_of(literal(duration, BigInteger))))
            assert lower_end is not None
            found.add(lower_end, 1, duration)
    return found


def test_nothing() -> None:
    """There is no percentile of nothing."""
    assert Histogram().summary() == {"p50": None, "p95": None, "max": None}


def test_one_duration() -> None:
    """It is all three, and the longest is exact."""
    assert of([7]).summary() == {"p50": 7, "p95": 7, "max": 7}
    assert of([-5]).summary()["p50"] == 0
    assert of([123_456]).summary()["max"] == 123_456


@pytest.mark.parametrize("scale", [10, 1_000, 60_000, 3_600_000])
def test_percentiles_are_nearly_exact(scale: int) -> None:
    """Whatever the size of the durations: at most 2.5 % beside the true one."""
    luck = random.Random(scale)
    durations = sorted(round(scale * luck.lognormvariate(0, 1)) for _ in range(400))
    found = of(durations).summary()
    for name, at in (("p50", 199), ("p95", 379)):
        assert found[name] == pytest.approx(durations[at], rel=0.026, abs=1)
    assert found["max"] == durations[-1]


def test_they_add_up_and_are_stored() -> None:
    """Two halves are the whole, after they were JSON."""
    one, other = of([1, 20, 300]), of([4_000, 50_000])
    one.merge(Histogram.from_stored(other.stored()))
    assert one == of([1, 20, 300, 4_000, 50_000])
