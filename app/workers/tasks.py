"""The Celery tasks: find the rows, call one service, return."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from celery import Task, shared_task
from celery import current_app as current_celery
from celery.result import AsyncResult
from celery.signals import worker_init, worker_shutdown, worker_shutting_down
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from app import background
from app.db import rollback_quietly
from app.delivery import publisher, reconciler
from app.kinds import LONG_TASK, PUBLISH, QUEUES, RECONCILE
from app.networks import Destination
from app.workers.pictures import process_pictures
from app.workers.process import allow_many_files, switch_less
from app.workers.scheduler import Scheduler
from app.workers.strategy import known_servers
from app.workers.supervisor import ProcessSupervisor, stop_with_the_first

__all__ = ["long_task", "process_pictures", "publish", "reconcile", "start_worker_threads"]

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


class StoredTask(Task):
    """A task of which a row is the truth: with or without Redis, with or without a worker."""

    def apply_async(self, *_: object, task_id: str | None = None, **__: object) -> AsyncResult:
        """Store the row, notify a worker, and return the result to be."""
        return self.AsyncResult(background.ask_for(str(self.name), task_id))

    def __call__(self, task_ids: list[str] | None = None) -> None:
        """A message has come: what it names is stored, be it from somebody without our rows."""
        with self.app.flask_app.app_context():
            for task_id in task_ids or [self.request.id]:
                background.ask_for(str(self.name), task_id)


@shared_task(name=LONG_TASK, base=StoredTask, bind=True, ignore_result=True)
def long_task(_task: Task) -> None:
    """Count to ``LONG_TASK_SECONDS``; app/workers/chores.py does it. See StoredTask."""


@worker_init.connect
def start_worker_threads(sender: Any, **_: object) -> None:
    """Start a scheduler in every worker process; there is no Celery beat.

    The signal is not worker_ready, because that waits for the broker. Tweets must not wait for it.
    """
    switch_less()
    allow_many_files()
    supervisor = ProcessSupervisor(current_celery.flask_app.config["WORKER_PROCESSES"] - 1)
    supervisor.divide()  # from here on in every process of this worker
    stop_with_the_first()
    if current_celery.flask_app.config["CELERY_EVENTS"]:
        _speak_to_monitors(sender)
    for part in (Scheduler(_taken()), supervisor):
        part.start()
        worker_shutting_down.connect(part.stop_beginning, weak=False)
        worker_shutdown.connect(part.stop_completely, weak=False)


def _taken() -> frozenset[str]:
    """Return the queues that this worker takes: those of ``-Q``, else of ``WORKER_QUEUES``."""
    return frozenset(QUEUES) & set(current_celery.amqp.queues.consume_from)


def _speak_to_monitors(worker: Any) -> None:
    """Let Flower and ``celery inspect`` see this process, whatever the command line left out.

    Each process needs a name of its own: two of one name would answer for each other.
    """
    worker.options["without_heartbeat"] = False
    worker.hostname = worker.hostname.replace("@", f"-{os.getpid()}@", 1)
