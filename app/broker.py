"""Celery and Redis: the wiring, task names, notifying workers, and results.

The row is the truth, and the queue only wakes workers up. So nothing here may raise because Redis
is unreachable.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import redis
from celery import Celery, Task, states
from celery.exceptions import CeleryError
from flask import Flask, current_app
from kombu import Exchange, Queue
from kombu.exceptions import KombuError
from redis.backoff import NoBackoff
from redis.retry import Retry

from app import logs
from app.kinds import KINDS, PUBLISH, QUEUES

log = logging.getLogger(__name__)
ended_log = logging.getLogger(logs.ENDED)

Answer = TypeVar("Answer")

GENERATION_KEY = "tweet-later:generation"
ACTIVITY_KEY = "tweet-later:activity"
"""Its value changes when a person asks for something, or workers are notified of something."""
TOLD_EVERY = 1.0
"""Seconds; activity is told no more often by one process."""
DAY = 86_400
SUCCESS, FAILURE = states.SUCCESS, states.FAILURE
AT_ONCE = 500
"""Messages in one command."""
LONGEST_TOLD = 1_024
"""Characters of a message's arguments that are told to whoever watches workers."""
AWAY = (OSError, RuntimeError, redis.RedisError, KombuError, CeleryError)
"""What a broker that cannot be reached may raise (RuntimeError: Celery's own retry limit)."""


@dataclass(frozen=True)
class WakeUp:
    """One message: a task name, the ids it is about (of jobs or pictures), and its Celery id."""

    task: str
    job_ids: list[str]
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    servers: list[str] = field(default_factory=list)
    """The key of each job's server (``Destination.key``), so that a worker need not look it up."""

    @property
    def arguments(self) -> list[list[str]]:
        """What the task gets."""
        return [self.job_ids, self.servers] if self.servers else [self.job_ids]


class Ended:
    """How many jobs have ended in this process, and how many of them badly."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self.processed = self.failed = 0

    def count(self, results: Iterable[tuple[str, str, Any]]) -> None:
        """Count these; what only tells its progress has not ended."""
        told = [state for _, state, _ in results]
        with self._changing:
            self.processed += told.count(SUCCESS) + told.count(FAILURE)
            self.failed += told.count(FAILURE)


ended = Ended()


class CircuitBreaker:
    """Lets one thread at a time call Redis, and no thread for some seconds after a failure.

    One at a time, because small plans allow few connections and an answer takes microseconds.
    """

    OPEN_SECONDS = 3.0

    def __init__(self) -> None:
        self._open_until = 0.0
        self._turn = threading.Lock()

    def ask(self, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        """Return the answer, or ``otherwise`` when Redis did not give one lately."""
        with self._turn:
            # Check inside the lock: another call may have failed while this thread waited.
            if time.monotonic() < self._open_until:
                return otherwise
            try:
                return question()
            except AWAY:
                self._open_until = time.monotonic() + self.OPEN_SECONDS
                return otherwise


class Notifier:
    """Notifies workers of due rows over one lasting connection, quickly or not at all.

    After a failure its circuit breaker is open for a few seconds, so that a dead Redis costs one
    short wait and not one for each request.
    """

    def __init__(self, celery: Celery, pool: redis.ConnectionPool) -> None:
        self._celery = celery
        self._breaker = CircuitBreaker()
        self._pool = pool
        self._connection: KeptConnection | None = None
        self._told_at = -TOLD_EVERY

    def tell_activity(self) -> None:
        """Let schedulers know that somebody is here. Best effort, and at most once a second."""
        if time.monotonic() - self._told_at >= TOLD_EVERY:
            self._breaker.ask(self._tell_activity, None)

    def notify(self, wake_ups: Iterable[WakeUp]) -> bool:
        """Send the messages in one round trip; False when the broker did not take them."""
        return self._breaker.ask(lambda: self._notify(list(wake_ups)), False)

    def _notify(self, wake_ups: list[WakeUp]) -> bool:
        try:
            self._send(wake_ups)
        except AWAY as error:
            log.warning("the broker did not take a wake-up: %s", type(error).__name__)
            raise
        return True

    def _tell_activity(self) -> None:
        self._told_at = time.monotonic()
        self._kept().ask("SET", ACTIVITY_KEY, uuid.uuid4().hex)

    def _kept(self) -> KeptConnection:
        if self._connection is None:
            self._connection = KeptConnection(self._pool)
        return self._connection

    def _send(self, wake_ups: list[WakeUp]) -> None:
        connection = self._kept()
        messages: dict[str, list[str]] = {}
        for wake_up in wake_ups:
            messages.setdefault(KINDS[wake_up.task].queue, []).append(self._message(wake_up))
        for queue, told in messages.items():
            for start in range(0, len(told), AT_ONCE):
                connection.ask("LPUSH", queue, *told[start : start + AT_ONCE])
        if time.monotonic() - self._told_at >= TOLD_EVERY:
            self._tell_activity()

    def _message(self, wake_up: WakeUp) -> str:
        """Return what Celery would send, made from what it did send once.

        To make each message anew takes Celery and kombu ten times as long.
        """
        model = _model_of(self._celery, wake_up.task)
        job, own = wake_up.task_id, {"id": wake_up.task_id, "root_id": wake_up.task_id}
        arguments = wake_up.arguments
        body = json.dumps([arguments, *model["rest"]])
        told = {"argsrepr": repr(arguments)[:LONGEST_TOLD]}
        tags = {"correlation_id": job, "delivery_tag": str(uuid.uuid4())}
        message = {
            **model["message"],
            "body": base64.b64encode(body.encode()).decode(),
            "headers": {**model["message"]["headers"], **own, **told},
            "properties": {**model["message"]["properties"], **tags},
        }
        return json.dumps(message)


@cache
def _model_of(celery: Celery, task: str) -> dict[str, Any]:
    """Return a message of Celery's for a task, and what its body has behind the arguments."""
    made: list[dict[str, Any]] = []
    with celery.connection_for_write("memory://") as connection:
        producer = celery.amqp.Producer(connection, auto_declare=False)
        producer.channel._put = lambda _queue, message, **_: made.append(message)
        celery.send_task(task, args=[], producer=producer, declare=(), ignore_result=True)
    body = json.loads(base64.b64decode(made[0]["body"]))
    return {"message": made[0], "rest": body[1:]}


def hasty_redis_options(config: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """Return arguments for redis-py: answer within ``timeout`` seconds or fail, without retries."""
    never = Retry(NoBackoff(), 0)
    times = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry": never}
    return {**times, **_tls(config)}


def _tls(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return redis-py's arguments for ``rediss://``, nothing for a connection without TLS.

    It trusts the certificate authorities of this machine; ``SSL_CERT_FILE`` (OpenSSL) names others.
    """
    if not config["REDIS_URL"].startswith("rediss://"):
        return {}
    verify: bool = config["REDIS_TLS_VERIFY"]
    asked = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    return {"ssl_cert_reqs": asked, "ssl_check_hostname": verify}


def init_app(app: Flask) -> Celery:
    """Make the app's Celery: ``app.extensions["celery"]``."""

    class AppTask(Task):
        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                return self.run(*args, **kwargs)

    celery = Celery(app.name, task_cls=AppTask)
    celery.conf.update(_settings(app.config))
    celery.flask_app = app
    celery.set_default()
    app.extensions["celery"] = celery
    options = hasty_redis_options(app.config, app.config["BROKER_TIMEOUT"])
    pool = redis.ConnectionPool.from_url(app.config["REDIS_URL"], **options)
    app.extensions["notifier"] = Notifier(celery, pool)
    return celery


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """docs/decisions/0003 says why each differs from Celery's default."""
    url: str = config["REDIS_URL"]
    tls = _tls(config) or None
    hasty = {"max_retries": 0, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}
    return {
        "broker_url": url,
        "result_backend": url,
        "broker_use_ssl": tls,
        "redis_backend_use_ssl": tls,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,  # a full or read-only Redis must not end a worker
        "broker_pool_limit": 10 if config["CELERY_EVENTS"] else 2,  # Flower asks all at once
        "broker_pool_acquire_timeout": 2,
        "broker_transport_options": {
            "socket_timeout": 5,
            "socket_connect_timeout": 3,
            "socket_keepalive": True,
            "health_check_interval": 5,
            "visibility_timeout": 120,
        },
        "redis_socket_timeout": 2,
        "redis_socket_connect_timeout": 2,
        "redis_socket_keepalive": True,
        "redis_backend_health_check_interval": 15,
        "result_backend_transport_options": {"retry_policy": hasty},
        "task_publish_retry_policy": hasty,
        "result_backend_thread_safe": True,  # one pool a process instead of one a thread
        "result_expires": 3 * DAY,
        "task_track_started": False,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_enable_remote_control": config["CELERY_EVENTS"],
        "worker_send_task_events": config["CELERY_EVENTS"],
        "worker_pool": "threads",
        "task_queues": [_queue(name) for name in config["WORKER_QUEUES"]],  # -Q chooses others
        "task_routes": {kind.name: {"queue": _queue(kind.queue)} for kind in KINDS.values()},
        "task_default_queue": "maintenance",
        "timezone": "UTC",
        "imports": ("app.workers",),
    }


def _queue(name: str) -> Queue:
    """Return a queue without an exchange, so that sending needs no table of bindings in Redis.

    A message of ``publish`` says only what the row says: it is gone when it is taken. To keep it
    until it is acknowledged took two of three round trips, and a third of the worker's time.
    """
    return Queue(name, Exchange(""), routing_key=name, no_ack=name == KINDS[PUBLISH].queue)


def notify_jobs(job_ids: Sequence[str], servers: Sequence[str] = ()) -> bool:
    """Ask a worker to publish each of these, each in its own job. Never raises, never waits long.

    :param servers: the key of each job's server, where it is known.
    :returns: False when the broker did not take it; the workers' schedulers find the rows anyway.
    """
    keys = [[key] for key in servers] or [[] for _ in job_ids]
    pairs = zip(job_ids, keys, strict=True)
    return notify([WakeUp(PUBLISH, [job_id], job_id, key) for job_id, key in pairs])


def notify(wake_ups: Iterable[WakeUp]) -> bool:
    """Send messages to the workers; False when the broker did not take them."""
    notifier: Notifier = current_app.extensions["notifier"]
    return notifier.notify(wake_ups)


def tell_activity() -> None:
    """Let schedulers know that somebody is here, so that upkeep comes at its usual intervals."""
    notifier: Notifier = current_app.extensions["notifier"]
    notifier.tell_activity()


def client(config: Mapping[str, Any], timeout: float = 5, is_text: bool = True) -> redis.Redis:
    """Return a client of the broker's server, for whoever looks into it.

    :param timeout: seconds within which each answer must come.
    :param is_text: whether answers are text, and not bytes.
    """
    options = hasty_redis_options(config, timeout)
    return redis.Redis.from_url(config["REDIS_URL"], decode_responses=is_text, **options)


def waiting_messages() -> dict[str, int]:
    """Return the number of messages that wait in each queue.

    :raises redis.RedisError: the broker does not answer.
    """
    with client(current_app.config) as asked, asked.pipeline(transaction=False) as pipeline:
        for name in QUEUES:
            pipeline.llen(name)
        return dict(zip(QUEUES, pipeline.execute(), strict=True))


def publish_here(job_ids: list[str]) -> None:
    """Run the publish task in this process, without the broker."""
    celery: Celery = current_app.extensions["celery"]
    celery.loader.import_default_modules()
    celery.tasks[PUBLISH](job_ids)


def celery_states(job_ids: Sequence[str]) -> dict[str, str]:
    """Return AsyncResult's state of each job; ``UNAVAILABLE`` while Redis does not answer."""
    backend = current_app.extensions["celery"].backend

    def look() -> dict[str, str]:
        keys = [backend.get_key_for_task(job_id) for job_id in job_ids]
        kept = _kept_connection(backend).ask("MGET", *keys)
        return {
            job_id: str(backend.decode_result(value)["status"]) if value else states.PENDING
            for job_id, value in zip(job_ids, kept, strict=True)
        }

    unavailable = dict.fromkeys(job_ids, "UNAVAILABLE")
    return _breaker().ask(look, unavailable) if job_ids else {}


def store_results(results: Iterable[tuple[str, str, Any]]) -> None:
    """Store for AsyncResult how jobs ended: (job_id, SUCCESS or FAILURE, result). Best effort.

    It uses one round trip for all, and the format of Celery's own backend.
    """
    backend = current_app.extensions["celery"].backend
    told = list(results)
    ended.count(told)
    _log_ended(told)

    def tell() -> None:
        with backend.client.pipeline(transaction=False) as pipeline:
            for job_id, state, result in told:
                kept = backend.encode_result(result, state)
                meta = backend._get_result_meta(kept, state, traceback=None, request=None)
                key = backend.get_key_for_task(job_id)
                value = backend.encode({**meta, "task_id": job_id})
                pipeline.set(key, value, ex=backend.expires)
                pipeline.publish(key, value)  # for callers that wait in AsyncResult.get
            pipeline.execute()

    if told:
        _breaker().ask(tell, None)


def _log_ended(results: Iterable[tuple[str, str, Any]]) -> None:
    """Say how jobs ended, where logs are JSON; never what they were about."""
    if not ended_log.isEnabledFor(logging.INFO):
        return
    for job_id, state, _result in results:
        if state in {SUCCESS, FAILURE}:
            ended_log.info("job %s has ended: %s", job_id, state, extra={"job_id": job_id})


class KeptConnection:
    """One connection to Redis for one short question at a time; what a client does around each
    command costs several times as much as the command.
    """

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._pool = pool
        self._connect()

    def _connect(self) -> None:
        self._connection: Any = self._pool.get_connection()
        self._process = os.getpid()

    def ask(self, *command: str | bytes | float) -> Any:
        """Return the answer; raises what AWAY names. The next question connects anew."""
        if self._process != os.getpid():
            self._connect()  # a process that was divided off must not write into its parent's
        connection = self._connection
        if self._is_stale():
            connection.disconnect()
        try:
            connection.send_command(*command)
            return connection.read_response()
        except BaseException:
            connection.disconnect()
            raise

    def _is_stale(self) -> bool:
        """Whether Redis has closed it, or an answer is left over."""
        try:
            return bool(self._connection.can_read())
        except (OSError, redis.RedisError):
            return True


def _kept_connection(backend: Any) -> KeptConnection:
    known: dict[str, Any] = current_app.extensions
    if "result_connection" not in known:
        known["result_connection"] = KeptConnection(backend.client.connection_pool)
    kept: KeptConnection = known["result_connection"]
    return kept


def _breaker() -> CircuitBreaker:
    breaker: CircuitBreaker = current_app.extensions.setdefault("result_breaker", CircuitBreaker())
    return breaker
