"""What ``/status`` says about a job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import current_app, url_for

from app import jobs
from app.db import utcnow
from app.models import Job
from app.models.delivery import milliseconds_late
from app.models.parts import contents_of
from app.networks.base import Network
from app.states import FINAL, State, status_of
from app.web import reasons, sentences
from app.web.locales import iso_utc

MINUTE = 60.0


def job_views(asked: Sequence[Job]) -> list[dict[str, Any]]:
    """Return what ``/status`` says about each job."""
    celery = jobs.celery_states([job.id for job in asked])
    return [_job_view(job, celery[job.id]) for job in asked]


def _job_view(job: Job, celery_state: str) -> dict[str, Any]:
    network: Network = current_app.extensions["networks"][job.network]
    published = job.accepted_at if job.state == State.PUBLISHED else None
    return {
        "job_id": job.id,
        "tweet_id": job.tweet_id,
        "status_url": url_for("status.one", job_id=job.id),
        "network": network.name,
        "title": network.title,
        "handle": job.handle,
        "server": job.server,
        "status": status_of(job.state),
        "state": job.state,
        "label": sentences.label_of(job.state),
        "celery_state": celery_state,
        "due_at": iso_utc(job.due_at),
        "published_at": iso_utc(published) if published else None,
        "lateness_ms": milliseconds_late(job.due_at, published),
        "attempts": job.attempts,
        "url": job.remote_url or next(filter(None, job.urls_out), None),
        "parts": _parts_of(job, network),
        "error": _error_of(job, network),
        "poll_after_ms": poll_after_ms(job),
    }


def _parts_of(job: Job, network: Network) -> dict[str, Any] | None:
    """Say how much of a thread is out, and where; None while nothing is, and without a thread."""
    if not job.posted:
        return None
    parts = contents_of("", job.shared_parts, job.parts, network.threads)
    return {"total": len(parts), "posted": job.urls_out}


def _error_of(job: Job, network: Network) -> dict[str, str] | None:
    if job.state in {State.PUBLISHED, State.CANCELLED}:
        return None
    if job.state == State.HELD:
        code, message, step = sentences.hold_error(
            job.hold_reason, network.title, job.handle, job.error_code
        )
        return {"code": code, "message": message, "next_step": step}
    if not job.error_code:
        return None
    message, step = reasons.delivery_error(job.error_code, network.title)
    return {"code": job.error_code, "message": message, "next_step": step}


def poll_after_ms(job: Job) -> int | None:
    """Milliseconds after which asking again is worth it; None when the state is final."""
    if job.state in FINAL:
        return None
    if job.state in {State.HELD, State.REVIEW}:
        return 15_000
    now = utcnow()
    if job.state == State.UNCONFIRMED:
        return _between(1.0, _seconds(job.next_at, now), 10.0)
    if job.state == State.SCHEDULED:
        remaining = _seconds(job.not_before, now)
        if remaining < 0:  # overdue: the longer, the less it helps to ask
            return _between(0.7, -remaining / 10, 10.0)
        return _between(0.7, min(remaining + 0.5, remaining / 4 + 1), 5 * MINUTE)
    return 1_000


def _seconds(moment: datetime | None, now: datetime) -> float:
    return (moment - now).total_seconds() if moment else 0.0


def _between(least: float, seconds: float, most: float) -> int:
    return round(1000 * max(least, min(seconds, most)))
