"""What users of this app may rely on: ask whether a job is complete, and Celery's AsyncResult."""

from __future__ import annotations

from celery.result import AsyncResult
from sqlalchemy import text

from app.db import db
from app.states import FINAL

__all__ = ["AsyncResult", "job_is_complete"]


def job_is_complete(job_id: str) -> bool:
    """True for published, failed and cancelled; False while anything may still happen.

    :raises LookupError: no job has this id.
    """
    row = db.session.execute(text("SELECT state FROM deliveries WHERE id = :id"), {"id": job_id})
    state = row.scalar()
    if state is None:
        raise LookupError(f"no job {job_id!r}")
    return state in FINAL
