"""The numbers for Prometheus, as the rows have them at the moment of the question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from sqlalchemy import BigInteger

from app.db import db, from_now
from app.models import Account, Delivery
from app.monitoring import OVERDUE
from app.operations import queues, workers
from app.states import State

SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
"""The upper ends of the histogram of lateness."""


def text() -> bytes:
    """Return everything in Prometheus's text format.

    :raises SQLAlchemyError: the database does not answer.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows())
    return generate_latest(registry)


class _Rows:
    """Asks the database for every metric, each time."""

    def collect(self) -> Iterator[Metric]:
        """Return the metrics."""
        yield _deliveries()
        yield _overdue()
        yield _lateness()
        processes = workers.processes()
        yield from _queues(processes)
        yield from _workers(processes)

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what there is depends on the rows."""
        return ()


def _deliveries() -> Metric:
    family = GaugeMetricFamily(
        "tweet_later_deliveries", "Jobs by network and state.", labels=["network", "state"]
    )
    counted = (
        db.select(Account.network, Delivery.state, db.func.count())
        .join(Account, Account.id == Delivery.account_id)
        .group_by(Account.network, Delivery.state)
    )
    for network, state, count in db.session.execute(counted):
        family.add_metric([network, state], count)
    return family


def _overdue() -> Metric:
    late = (Delivery.not_before <= from_now(-OVERDUE), Delivery.state == State.SCHEDULED)
    found = db.select(db.func.count()).where(Delivery.next_at.is_not(None), *late)
    return GaugeMetricFamily(
        "tweet_later_deliveries_overdue",
        "Jobs that are more than a minute late and were not begun.",
        value=db.session.scalar(found),
    )


def _lateness() -> Metric:
    family = HistogramMetricFamily(
        "tweet_later_lateness_seconds",
        "Seconds from the wanted time to the network's acceptance, of what is kept.",
        labels=["network"],
    )
    for network, total, *counts in db.session.execute(_lateness_query()):
        ends = [*map(str, SECONDS), "+Inf"]
        buckets = [(end, float(count)) for end, count in zip(ends, counts, strict=True)]
        family.add_metric([network], buckets, sum_value=(total or 0) / 1000)
    return family


def _lateness_query() -> Any:
    accepted = db.type_coerce(Delivery.accepted_at, BigInteger)
    late_ms = accepted - db.type_coerce(Delivery.due_at, BigInteger)
    up_to = [db.func.sum(db.case((late_ms <= 1000 * end, 1), else_=0)) for end in SECONDS]
    return (
        db.select(Account.network, db.func.sum(late_ms), *up_to, db.func.count())
        .join(Account, Account.id == Delivery.account_id)
        .where(Delivery.state == State.PUBLISHED, Delivery.accepted_at.is_not(None))
        .group_by(Account.network)
    )


def _queues(processes: list[workers.WorkerProcess]) -> Iterator[Metric]:
    size = GaugeMetricFamily(
        "tweet_later_queue_size", "What is due in a queue and not begun.", labels=["queue"]
    )
    oldest = GaugeMetricFamily(
        "tweet_later_queue_oldest_seconds", "How long the first of it waits.", labels=["queue"]
    )
    for queue in queues.queues(processes):
        size.add_metric([queue.name], queue.size)
        oldest.add_metric([queue.name], queue.oldest_s or 0)
    yield size
    yield oldest


def _workers(processes: list[workers.WorkerProcess]) -> Iterator[Metric]:
    alive = [one for one in processes if one.alive]
    yield GaugeMetricFamily("tweet_later_workers", "Living worker processes.", value=len(alive))
    jobs = CounterMetricFamily(
        "tweet_later_worker_jobs",
        "Jobs that have ended in a worker process.",
        labels=["worker", "outcome"],
    )
    for one in alive:
        jobs.add_metric([one.id, "failed"], one.failed)
        jobs.add_metric([one.id, "done"], one.processed - one.failed)
    yield jobs
