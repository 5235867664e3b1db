"""The Celery tasks: find the rows, call one service, return."""

from __future__ import annotations

import logging
from collections.abc import Callable

from celery import current_app as current_celery
from celery import shared_task
from celery.signals import worker_init, worker_shutdown, worker_shutting_down
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from app.broker import PUBLISH, RECONCILE
from app.db import rollback_quietly
from app.delivery import publisher, reconciler
from app.networks import Destination
from app.workers.pictures import process_pictures
from app.workers.process import allow_many_files, switch_less
from app.workers.scheduler import Scheduler
from app.workers.strategy import known_servers
from app.workers.supervisor import ProcessSupervisor, stop_with_the_first

__all__ = ["process_pictures", "publish", "reconcile", "start_worker_threads"]

log = logging.getLogger(__name__)


@shared_task(
    name=PUBLISH, ignore_result=True, Strategy="app.workers.strategy:straight_to_the_publisher"
)
def publish(job_ids: list[str], servers: list[str] | None = None) -> None:
    """Publish deliveries that are due: in this worker's publisher, or here when it has none.

    :param servers: the key of each one's server, in the same order.
    """
    thread = current_app.extensions.get("publisher")
    _do(publisher.publish_here if thread is None else thread.put_with_room, job_ids, servers)


@shared_task(name=RECONCILE, ignore_result=True)
def reconcile(job_ids: list[str], servers: list[str] | None = None) -> None:
    """Look up deliveries that may have been accepted: on the look-up threads, or here."""
    looks = current_app.extensions.get("look_ups")
    if looks is None:
        _do(lambda ids, _: reconciler.reconcile(ids), job_ids, servers)
    else:
        _do(looks.put, job_ids, servers)


def _do(
    service: Callable[[list[str], dict[str, Destination]], None],
    job_ids: list[str],
    servers: list[str] | None,
) -> None:
    try:
        service(job_ids, known_servers(job_ids, servers))
    except SQLAlchemyError as error:
        log.error("the database failed: %s; these ids become due again", type(error).__name__)
        rollback_quietly()


@worker_init.connect
def start_worker_threads(sender: object, **_: object) -> None:
    """Start a scheduler in every worker process; there is no Celery beat.

    The signal is not worker_ready, because that waits for the broker. Tweets must not wait for it.
    """
    switch_less()
    allow_many_files()
    stop_with_the_first()
    processes = current_celery.flask_app.config["WORKER_PROCESSES"]
    for part in (Scheduler(), ProcessSupervisor(processes - 1)):
        part.start()
        worker_shutting_down.connect(part.stop_beginning, weak=False)
        worker_shutdown.connect(part.stop_completely, weak=False)
