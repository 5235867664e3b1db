"""The Celery tasks: find the rows, call one service, return."""

from __future__ import annotations

from celery import shared_task
from celery.signals import worker_init, worker_shutdown, worker_shutting_down
from flask import current_app

from app.jobs import PUBLISH, RECONCILE
from app.services import publishing
from app.workers import looks
from app.workers.ticker import Ticker


@shared_task(name=PUBLISH, ignore_result=True)
def publish(job_ids: list[str]) -> None:
    """Publish deliveries whose bell rang: in this worker's lanes, or here when there are none."""
    lanes = current_app.extensions.get("lanes")
    if lanes is None:
        publishing.publish(job_ids)
    else:
        lanes.put_patiently(job_ids)


@shared_task(name=RECONCILE, ignore_result=True)
def reconcile(job_ids: list[str]) -> None:
    """Look up deliveries that may have been accepted."""
    looks.look_up(job_ids)


@worker_init.connect
def start_ticking(sender: object, **_: object) -> None:
    """Every worker process looks at the schedule itself; there is no beat.

    Not worker_ready: that waits for the broker, and tweets do not.
    """
    ticker = Ticker()
    ticker.start()
    worker_shutting_down.connect(ticker.stop_beginning, weak=False)
    worker_shutdown.connect(ticker.stop_completely, weak=False)
