"""Workers, queues, work at intervals, and the long task."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import abort, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from app import autoscale, background
from app.db import db
from app.kinds import KINDS, LONG_TASK
from app.models import BackgroundTask, TaskState
from app.operations import audit as record
from app.operations import periodic as intervals
from app.operations import queues as waiting
from app.operations import workers as processes
from app.web import rate_limits, schemas
from app.web.errors import wants_json
from app.web.i18n import iso_utc
from app.web.operations.access import bp
from app.web.operations.tabs import page

CELERY_STATES = {
    TaskState.WAITING: "PENDING",
    TaskState.RUNNING: "PROGRESS",
    TaskState.DONE: "SUCCESS",
    TaskState.FAILED: "FAILURE",
}


@bp.get("/operations/workers")
@rate_limits.reads
def workers() -> ResponseReturnValue:
    """Show the worker processes."""
    known = processes.processes()
    by_need = autoscale.status(db.session.connection())
    if not wants_json():
        return page("workers", "workers", workers=known, autoscale=by_need)
    told = [
        {
            **asdict(one),
            "started_at": iso_utc(one.started_at),
            "heartbeat_at": iso_utc(one.heartbeat_at),
        }
        for one in known
    ]
    return jsonify(workers=told, autoscale=by_need and _autoscale_view(by_need))


def _autoscale_view(known: autoscale.Status) -> dict[str, Any]:
    return {
        "driver": known.driver,
        "wanted": known.wanted,
        "running": known.running,
        "next_wake_up": _iso(known.next_wake_up),
    }


@bp.post("/operations/workers/<worker_id>/stop")
@rate_limits.writes
def stop_worker(worker_id: str) -> ResponseReturnValue:
    """Let a worker process finish what it does and leave."""
    if not processes.stop(worker_id, current_user.id):
        abort(404)
    return _done("workers", _("It finishes what it is doing, and then stops."))


@bp.get("/operations/queues")
@rate_limits.reads
def queues() -> ResponseReturnValue:
    """Show what waits in each queue."""
    found = waiting.queues(processes.processes())
    if wants_json():
        return jsonify(queues=[asdict(one) for one in found])
    resting = autoscale.is_resting(db.session.connection())
    return page("queues", "queues", queues=found, resting=resting)


@bp.get("/operations/periodic")
@rate_limits.reads
def periodic() -> ResponseReturnValue:
    """Show the work that is done at intervals."""
    found = intervals.listed(schemas.query(schemas.calls.PeriodicQuery).after)
    if wants_json():
        return jsonify(periodic=[_periodic_view(one) for one in found.tasks], next=found.next)
    further = found.next and url_for("operations.periodic", after=found.next)
    return page("periodic", "periodic", tasks=found.tasks, kinds=KINDS, next_url=further)


@bp.patch("/operations/periodic/<task_id>")
@bp.post("/operations/periodic/<task_id>")
@rate_limits.writes
def change_periodic(task_id: str) -> ResponseReturnValue:
    """Give work another interval, or switch it on or off."""
    task = _periodic(task_id)
    if request.is_json:
        given = schemas.body(schemas.calls.PeriodicChange)
        intervals.change(task, given.every_s, given.enabled, current_user.id)
    else:
        typed = schemas.form(schemas.calls.PeriodicForm)
        is_on = typed.enabled is not None
        intervals.change(task, int(typed.every_s), is_on, current_user.id)
    if wants_json():
        return jsonify(periodic=_periodic_view(_periodic(task_id)))
    return _done("periodic", _("Saved."))


@bp.post("/operations/periodic/<task_id>/run")
@rate_limits.writes
def run_periodic(task_id: str) -> ResponseReturnValue:
    """Let work be done now."""
    intervals.run_now(_periodic(task_id), current_user.id)
    if wants_json():
        return jsonify(periodic=_periodic_view(_periodic(task_id))), 202
    return _done("periodic", _("It begins as soon as a worker is free."))


@bp.post("/operations/long-task")
@rate_limits.writes
def begin_long_task() -> ResponseReturnValue:
    """Begin the demonstration."""
    task_id = str(uuid.uuid4())
    record.note(current_user.id, "long_task", {"job_id": task_id})
    background.ask_for(LONG_TASK, task_id)  # commits both
    address = url_for("operations.long_task", task_id=task_id)
    if wants_json():
        return jsonify(job_id=task_id, status_url=address), 202
    return redirect(address, 303)


@bp.get("/operations/long-task/<task_id>")
@rate_limits.reads
def long_task(task_id: str) -> ResponseReturnValue:
    """Show how far the demonstration has come."""
    task = db.session.get(BackgroundTask, task_id)
    if task is None or task.kind != LONG_TASK:
        abort(404)
    worker = (task.owner or "").rpartition(":")[0] or None
    told = {
        "job_id": task.id,
        "state": CELERY_STATES[TaskState(task.state)],
        "percent": task.percent,
        "worker": worker,
    }
    return jsonify(told) if wants_json() else page("long_task", "", **told)


def _periodic(task_id: str) -> BackgroundTask:
    task = intervals.find(task_id)
    if task is None:
        abort(404)
    return task


def _periodic_view(task: BackgroundTask) -> dict[str, Any]:
    return {
        "id": task.id,
        "kind": task.kind,
        "subject": task.subject,
        "every_s": task.every_s,
        "next_at": _iso(task.next_at) if task.enabled else None,
        "last_run_at": _iso(task.last_run_at),
        "last_result": task.last_result,
        "enabled": task.enabled,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso_utc(moment)


def _done(tab: str, sentence: str) -> ResponseReturnValue:
    if wants_json():
        return jsonify(status="accepted"), 202
    flash(sentence)
    return redirect(url_for(f"operations.{tab}"), 303)
