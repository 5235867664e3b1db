"""How much went out, how late, and what failed: by hour, day or month, by network, by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from app.db import from_now, spare_connection
from app.models import delivery_rollup
from app.operations.kept import Kept

Period = delivery_rollup.Period
Totals = delivery_rollup.Totals

SPANS: Mapping[Period, int] = {Period.HOUR: 48, Period.DAY: 30, Period.MONTH: 12}
"""How many periods are shown; the last one is now."""
AT_ONCE = 10_000
"""What ended since a worker added it up, and is counted for a viewer: the newest so many."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What became of jobs. Everything is empty, and ``as_of`` None, when nobody knows."""

    buckets: Sequence[tuple[datetime, Totals]] = ()
    """Every period by its beginning, oldest first."""
    networks: Sequence[tuple[str, Totals]] = ()
    """Those with jobs, the slowest to answer first."""
    errors: Counter[str] = field(default_factory=Counter)
    as_of: datetime | None = None
    is_complete: bool = True
    """False when more has ended lately than was counted: no worker has added it up yet."""


def overview(period: Period) -> Overview:
    """Return what became of jobs in the last periods, at most a moment old."""
    kept: dict[Period, Kept[Overview]] = current_app.extensions.setdefault(
        "operations_overview", {period: Kept() for period in Period}
    )
    return kept[period].get(lambda: _look(period))


def _look(period: Period) -> Overview:
    try:
        with spare_connection() as connection:
            return _read(connection, period)
    except SQLAlchemyError:
        return Overview()


def _read(connection: Connection, period: Period) -> Overview:
    now = connection.scalar(select(from_now()))
    assert now is not None
    starts = _starts(period, now)
    soon = now + timedelta(minutes=1)
    added_up = delivery_rollup.of_periods(connection, period, starts[0], soon)
    known_to = connection.scalar(delivery_rollup.counted_to()) or starts[0]
    lately, is_complete = delivery_rollup.count(connection, max(known_to, starts[0]), soon, AT_ONCE)
    found = [(at, network, totals) for (at, network), totals in added_up.items()]
    found += [(period.start(at), network, totals) for (at, network), totals in lately.items()]
    whole = _merged((at, totals) for at, _network, totals in found)
    networks = _merged((network, totals) for _at, network, totals in found)
    errors = sum((totals.errors for totals in networks.values()), Counter[str]())
    return Overview(
        [(at, whole.get(at, Totals())) for at in starts],
        sorted(networks.items(), key=_slowness, reverse=True),
        errors,
        now,
        is_complete,
    )


def _starts(period: Period, now: datetime) -> list[datetime]:
    starts = [period.start(now)]
    while len(starts) < SPANS[period]:
        starts.insert(0, period.start(starts[0] - timedelta(milliseconds=1)))
    return starts


def _merged(some: Iterable[tuple[Any, Totals]]) -> dict[Any, Totals]:
    """Return the totals of each key, which may come several times."""
    found: dict[Any, Totals] = {}
    for key, totals in some:
        found.setdefault(key, Totals()).merge(totals)
    return found


def _slowness(found: tuple[str, Totals]) -> int:
    return found[1].answers.summary()["p95"] or 0
