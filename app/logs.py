"""What is logged, and how: one line an event on standard error, for people or as JSON.

``LOG_FORMAT=json`` is for programs that collect logs. The same lines go through it: what our own
code says, and what gunicorn, Celery and other libraries say, in web and worker processes and in
flask commands.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from celery import signals
from flask import Flask
from pythonjsonlogger.core import LogData
from pythonjsonlogger.json import JsonFormatter

PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"
FIELDS = {"levelname": "level", "name": "logger", "message": "message", "exc_info": "traceback"}
"""What a record calls it, and what the line does."""
WRITTEN = {"time", *FIELDS.values(), "stack_info", "job_id"}
THEIR_OWN = ("", "gunicorn.error", "gunicorn.access", "celery.task")
"""Loggers that may have handlers of their own."""
STANDARD_ERROR = 2
ENDED = "app.ended"
"""The logger with one line for each job that ends. Only JSON has them: people have the pages."""

_job: ContextVar[str | None] = ContextVar("job", default=None)


def init_app(app: Flask) -> None:
    """Log as ``LOG_FORMAT`` says; libraries only when something is wrong."""
    logging.basicConfig(format=PLAIN)
    logging.getLogger("app").setLevel(logging.INFO)
    app.logger.setLevel(logging.INFO)
    is_json = app.config["LOG_FORMAT"] == "json"
    logging.getLogger(ENDED).setLevel(logging.INFO if is_json else logging.WARNING)
    if is_json:
        _speak_json()


@contextmanager
def about(job_id: str) -> Iterator[None]:
    """Let every line that this thread logs meanwhile have a job's id."""
    token = _job.set(job_id)
    try:
        yield
    finally:
        _job.reset(token)


class _Line(JsonFormatter):
    """A record as one line of JSON: the fields that are promised, and nothing else."""

    def __init__(self) -> None:
        super().__init__(list(FIELDS), rename_fields=FIELDS, timestamp="time")

    def process_log_record(self, log_data: LogData) -> LogData:
        """Leave out what libraries hang on their records: Celery the arguments of tasks."""
        task = log_data.get("data")
        job_id = log_data.get("job_id") or (task.get("id") if isinstance(task, dict) else None)
        log_data["job_id"] = job_id or _job.get()
        return {name: value for name, value in log_data.items() if name in WRITTEN and value}


def _speak_json() -> None:
    logging.captureWarnings(True)
    for name in THEIR_OWN:
        _dress(logging.getLogger(name))
    signals.after_setup_task_logger.connect(_dress_task_logger, weak=False)
    signals.worker_init.connect(_tame_worker, weak=False)


def _dress(logger: logging.Logger) -> None:
    for handler in logger.handlers:
        handler.setFormatter(_Line())


def _dress_task_logger(logger: logging.Logger, **_: Any) -> None:
    _dress(logger)


def _tame_worker(sender: Any, **_: Any) -> None:
    """Let Celery print no banner, and say as a line of the log that it stops."""
    from celery.apps import worker  # pages do without

    sender.quiet = True
    worker.safe_say = _say


def _say(message: str, _file: Any = None) -> None:
    """Log from a handler of signals, which may interrupt a line that is being written."""
    facts = {"name": "celery.apps.worker", "levelname": "INFO", "msg": message.strip()}
    os.write(STANDARD_ERROR, f"{_Line().format(logging.makeLogRecord(facts))}\n".encode())
