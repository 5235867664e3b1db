"""What operators see and do: numbers, lists, timelines, Redis, and the record of their actions."""

from __future__ import annotations

from app.operations import (
    actions,
    audit,
    counts,
    lists,
    mails,
    metrics,
    overview,
    pauses,
    periodic,
    queues,
    redis_keys,
    timeline,
    workers,
)

__all__ = [
    "actions",
    "audit",
    "counts",
    "lists",
    "mails",
    "metrics",
    "overview",
    "pauses",
    "periodic",
    "queues",
    "redis_keys",
    "timeline",
    "workers",
]
