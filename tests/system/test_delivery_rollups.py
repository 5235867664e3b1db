"""What became of deliveries, added up: true whenever it is counted, and kept when rows are not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, func, select, update

from app.db import db, from_now, utcnow
from app.models import Attempt, Delivery, delivery_rollup
from app.models.delivery_rollup import DeliveryRollup, Period
from app.operations import overview
from app.states import State
from tests.support.world import World

HOUR = 3600.0


def write(world: World, user_id: int, ended: Iterable[tuple[float, int | str]]) -> list[str]:
    """Store jobs that ended so many seconds ago: late by milliseconds, or failed with a code."""
    jobs = [world.tweet_later(user_id, f"Ends {n}", "in 9 hours") for n, _ in enumerate(ended)]
    for job, (seconds, became) in zip(jobs, ended, strict=True):
        failed = isinstance(became, str)
        at = from_now(-seconds)
        values = {
            "state": State.FAILED if failed else State.PUBLISHED,
            "error_code": became if failed else None,
            "next_at": None,
            "finished_at": at,
            "accepted_at": None if failed else at,
            "due_at": at if failed else from_now(-seconds - int(became) / 1000),
            "first_sent_at": from_now(-seconds - 0.2),
            "attempts": 1,
            "remote_id": None if failed else job,
        }
        db.session.execute(update(Delivery).where(Delivery.id == job).values(values))
    db.session.commit()
    return jobs


def seen(period: Period) -> dict[str, object]:
    """Return what a viewer sees of everything together."""
    current_app.extensions.pop("operations_overview", None)
    found = overview.overview(period)
    assert found.is_complete
    totals = [totals for _at, totals in found.buckets]
    return {
        "buckets": len(totals),
        "published": sum(one.published for one in totals),
        "failed": sum(one.failed for one in totals),
        "errors": dict(found.errors),
        "networks": {name: (one.published, one.failed) for name, one in found.networks},
    }


def test_the_overview_before_and_after_it_is_added_up(world: World) -> None:
    """The same numbers, whether a worker has counted or not; nothing is counted twice."""
    ben = world.user("ben")
    with world.rows():
        mastodon = world.connect(ben, "mastodon", "ben")
        jobs = write(world, ben, [(1, 50), (20, 70), (30, "duplicate"), (2 * HOUR, 3_000)])
        write(world, ben, [(40 * HOUR, "too_long"), (20 * 24 * HOUR, 90), (200 * 24 * HOUR, 10)])
        db.session.execute(
            update(Delivery).where(Delivery.id == jobs[0]).values(account_id=mastodon)
        )
        db.session.commit()
        hours = {
            "buckets": 48,
            "published": 3,
            "failed": 2,
            "errors": {"duplicate": 1, "too_long": 1},
            "networks": {"x": (2, 2), "mastodon": (1, 0)},
        }
        days = {
            **hours,
            "buckets": 30,
            "published": 4,
            "networks": {"x": (3, 2), "mastodon": (1, 0)},
        }
        months = {
            **days,
            "buckets": 12,
            "published": 5,
            "networks": {"x": (4, 2), "mastodon": (1, 0)},
        }
        for _ in range(3):
            assert seen(Period.HOUR) == hours
            assert seen(Period.DAY) == days
            assert seen(Period.MONTH) == months
            delivery_rollup.roll_up(lambda: None)
        found = overview.overview(Period.HOUR)
        first = found.buckets[0][0]
        assert [at for at, _ in found.buckets] == [first + timedelta(hours=n) for n in range(48)]
        (x,) = [totals for name, totals in found.networks if name == "x"]
        assert x.lateness.max_ms == 3_000
        assert x.answers.percentile(0.5) == 200


def test_what_was_added_up_stays(world: World) -> None:
    """Rows that are deleted later are still in the numbers, and what comes is added."""
    ben = world.user("ben")
    with world.rows():
        yesterday = Period.DAY.start(utcnow()) - timedelta(days=1)
        late_evening = (utcnow() - yesterday).total_seconds() + 300
        before = yesterday - timedelta(hours=2)
        write(world, ben, [(late_evening, 40), (late_evening + HOUR, "duplicate")])
        delivery_rollup.roll_up(lambda: None)
        db.session.execute(delete(Attempt))
        db.session.execute(delete(Delivery))
        db.session.commit()
        delivery_rollup.roll_up(lambda: None)
        write(world, ben, [(60, 40)])
        delivery_rollup.roll_up(lambda: None)
        for period in (Period.DAY, Period.MONTH):
            assert (seen(period)["published"], seen(period)["failed"]) == (2, 1)
        # Of hours a page shows two days, in which that evening is only until 22:00.
        connection = db.session.connection()
        hours = delivery_rollup.of_periods(connection, Period.HOUR, before, utcnow()).values()
        assert (sum(one.published for one in hours), sum(one.failed for one in hours)) == (2, 1)


def test_a_failure_that_is_retried_at_once(world: World) -> None:
    """An hour that is not over is counted anew: what no longer is failed is in it no more."""
    ben = world.user("ben")
    with world.rows():
        (job,) = write(world, ben, [(20, "duplicate")])
        delivery_rollup.roll_up(lambda: None)
        assert seen(Period.HOUR)["failed"] == 1
        db.session.execute(update(Delivery).where(Delivery.id == job).values(PUBLISHED_NOW))
        db.session.commit()
        delivery_rollup.roll_up(lambda: None)
        for period in Period:
            assert (seen(period)["published"], seen(period)["failed"]) == (1, 0)


def test_old_rows_go(world: World) -> None:
    """Hours after a week, days after two months; months stay."""
    ben = world.user("ben")
    with world.rows():
        write(world, ben, [(days * 24 * HOUR, 40) for days in (1, 10, 100, 300)])
        delivery_rollup.roll_up(lambda: None)
        kept = select(DeliveryRollup.period, func.sum(DeliveryRollup.published)).group_by(
            DeliveryRollup.period
        )
        assert {row[0]: row[1] for row in db.session.execute(kept)} == {
            "hour": 1,
            "day": 2,
            "month": 4,
        }


def test_more_than_can_be_counted_at_a_view(world: World) -> None:
    """It is said, and the newest are counted."""
    ben = world.user("ben")
    with world.rows():
        write(world, ben, [(n * 10.0, 40) for n in range(1, 8)])
        since, until = utcnow() - timedelta(hours=3), utcnow() + timedelta(hours=1)
        found, is_all = delivery_rollup.count(db.session.connection(), since, until, most=5)
        assert (sum(one.published for one in found.values()), is_all) == (5, False)
        found, is_all = delivery_rollup.count(db.session.connection(), since, until, most=8)
        assert (sum(one.published for one in found.values()), is_all) == (7, True)


def test_periods() -> None:
    """They begin in UTC, and months have their own lengths."""
    at = datetime.fromisoformat("2026-03-01T00:30:00+02:00")
    assert [period.start(at).isoformat() for period in Period] == [
        "2026-02-28T22:00:00+00:00",
        "2026-02-28T00:00:00+00:00",
        "2026-02-01T00:00:00+00:00",
    ]
    assert Period.MONTH.next(Period.MONTH.start(at)).isoformat() == "2026-03-01T00:00:00+00:00"


PUBLISHED_NOW = {
    "state": State.PUBLISHED,
    "error_code": None,
    "finished_at": from_now(-10),
    "accepted_at": from_now(-10),
    "remote_id": "1",
}
