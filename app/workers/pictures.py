"""Makes pictures in a worker process: usually one at a time, on threads that tweets do not need."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from celery import shared_task
from celery.signals import worker_shutting_down
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from app import pictures
from app.db import rollback_quietly
from app.kinds import PROCESS_PICTURES
from app.models import pause
from app.pictures import storage

log = logging.getLogger(__name__)

_hands: ThreadPoolExecutor | None = None
_sweeping: Future[None] | None = None


@shared_task(name=PROCESS_PICTURES, ignore_result=True)
def process_pictures(picture_ids: list[str]) -> None:
    """Make as many pictures as there are ids, but choose the next pictures by their turn.

    If a worker is lost, the sweep of another worker makes the rest.
    """
    if "pictures" not in pause.paused_queues():
        for _ in picture_ids:
            _put(_app(), pictures.process_next)


def sweep(app: Flask) -> None:
    """Start a sweep soon and return at once; called by the scheduler."""
    global _sweeping
    if _sweeping is None:
        _put(app, storage.try_out)
    if _sweeping is None or _sweeping.done():
        _sweeping = _put(app, pictures.sweep)


@worker_shutting_down.connect
def stop_beginning(**_: object) -> None:
    """SIGTERM: finish the current picture, leave the others to other workers."""
    if _hands is not None:
        _hands.shutdown(wait=False, cancel_futures=True)


def _app() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined]


def _put(app: Flask, work: Callable[[], object]) -> Future[None] | None:
    global _hands
    if _hands is None:
        count = app.config["QUEUE_CONCURRENCY"]["pictures"]
        _hands = ThreadPoolExecutor(count, thread_name_prefix="pictures")
    try:
        return _hands.submit(_do, app, work)
    except RuntimeError:  # the process is about to end
        return None


def _do(app: Flask, work: Callable[[], object]) -> None:
    with app.app_context():
        try:
            work()
        except Exception as error:
            # When the row's next_at has passed, a worker tries again.
            unexpected = not isinstance(error, SQLAlchemyError)
            log.error("making a picture failed: %s", type(error).__name__, exc_info=unexpected)
            rollback_quietly()
