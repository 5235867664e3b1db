"""The numbers for Prometheus: who may ask, and that they are what the rows have."""

from __future__ import annotations

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from app.db import db
from app.models import Delivery, Worker
from app.states import State
from tests.conftest import MakeWorld
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow


def asked(site: str, **headers: str) -> requests.Response:
    """Ask as Prometheus does."""
    return requests.get(f"{site}/metrics", headers=headers, timeout=20)


def numbers(site: str) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and the values of its labels, in the order of their names."""
    answer = asked(site)
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    samples = [sample for family in families for sample in family.samples]
    return {(one.name, *dict(sorted(one.labels.items())).values()): one.value for one in samples}


def test_they_are_what_the_rows_have(make_world: MakeWorld, database_url: str) -> None:
    """Jobs by state, lateness, workers and what ended in them."""
    world = make_world(database_url)
    worker = world.start_worker()
    site = world.start_web()
    ana = world.user("ana")
    jobs = [world.tweet_later(ana, f"one of many, {n}") for n in range(7)]
    world.tweet_later(ana, "for tomorrow", "in 20 hours")
    assert set(world.until_settled(jobs).values()) == {State.PUBLISHED}
    with world.rows():
        name = db.session.scalar(db.select(Worker.name))
        published = db.session.scalar(
            db.select(db.func.count()).where(Delivery.state == State.PUBLISHED)
        )

    def ended() -> bool:
        return numbers(site).get(("tweet_later_worker_jobs_total", "done", name)) == published

    wait_for(ended, what="a heartbeat")
    found = numbers(site)
    assert worker.poll() is None
    assert found["tweet_later_deliveries", "x", "published"] == published == 7
    assert found["tweet_later_deliveries", "x", "scheduled"] == 1
    assert found["tweet_later_deliveries_overdue",] == 0
    assert found["tweet_later_lateness_seconds_count", "x"] == 7
    assert found["tweet_later_lateness_seconds_bucket", "3600.0", "x"] == 7
    assert found["tweet_later_queue_size", "publish"] == 0
    assert found["tweet_later_queue_oldest_seconds", "mail"] == 0
    assert found["tweet_later_workers",] == 1
    assert found["tweet_later_worker_jobs_total", "failed", name] == 0


def test_who_may_ask(small_world: World) -> None:
    """This machine, through no proxy; with a token, whoever has it and nobody else."""
    open_site = small_world.start_web()
    assert asked(open_site).status_code == 200
    assert asked(open_site, **{"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    site = small_world.start_web(METRICS_TOKEN="only for Prometheus")
    assert asked(site).status_code == 403
    assert asked(site, Authorization="Bearer something else").status_code == 403
    refused = asked(site, Authorization="Bearer é".encode().decode("latin-1"))
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "forbidden"
    assert asked(site, Authorization="Bearer only for Prometheus").status_code == 200
