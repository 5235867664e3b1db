"""Celery tasks and signals, and the threads of a worker process."""

from app.workers import tasks

__all__ = ["tasks"]
