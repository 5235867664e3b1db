"""What Celery's consumer does with a message of the publish task: hand its ids to the publisher.

Usually a message waits for a thread, which then runs the task. Here the task only puts ids into a
queue, so the consumer does that itself, and a burst costs no switch between threads. Where that is
not possible, the task runs as any other does.

Its queue needs no acknowledgements, so Celery itself limits nothing. While the publisher is crowded
(``WorkQueue.wait_for_room``) the consumer waits, and messages stay in Redis for other workers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery, Task
from celery.worker.strategy import default

from app.networks import Destination
from app.shutdown import stopping
from app.workers.publisher_thread import ROOM_SECONDS

log = logging.getLogger(__name__)

CROWDED_PAUSE_SECONDS = 1.0
"""Seconds before the next message while the publisher is crowded and no network answers."""


def known_servers(job_ids: Sequence[str], keys: Sequence[str] | None) -> dict[str, Destination]:
    """Return the servers of these jobs; older messages do not name them."""
    if not keys or len(keys) != len(job_ids):
        return {}
    return {
        job_id: Destination.of_key(key) for job_id, key in zip(job_ids, keys, strict=True) if key
    }


def straight_to_the_publisher(task: Task, app: Celery, consumer: Any) -> Callable[..., Any]:
    """Return the handler for messages of this task; Celery calls this when a worker starts.

    The task runs on a thread, with everything that Celery tells about it, while this worker has no
    publisher, when that stays crowded, and while somebody listens to Celery's events.
    """
    usual = default(task, app, consumer)

    def handle(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any, **more: Any) -> Any:
        thread = app.flask_app.extensions.get("publisher")
        events = consumer.event_dispatcher
        arguments = _arguments_of(message)
        has_room = thread is not None and thread.has_room(ROOM_SECONDS)
        if thread is not None and not has_room:
            stopping.wait(CROWDED_PAUSE_SECONDS)
        if arguments is None or not has_room or (events and events.enabled):
            return usual(message, body, ack, reject, callbacks, **more)
        thread.put(arguments[0], known_servers(*arguments))
        log.debug("publish[%s]: %s ids to the publisher", message.headers["id"], len(arguments[0]))
        return None

    return handle


def _arguments_of(message: Any) -> tuple[list[str], list[str] | None] | None:
    """Return the ids and the keys of a message, None for one that Celery itself has to judge."""
    try:
        (job_ids, *keys), named, _ = message.payload
    except (TypeError, ValueError):
        return None
    plain = not named and not message.headers.get("eta") and not message.headers.get("expires")
    if not plain or not _are_words(job_ids) or len(keys) > 1:
        return None
    return job_ids, keys[0] if keys and _are_words(keys[0]) else None


def _are_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)
