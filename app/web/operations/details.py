"""One job's timeline, Redis, and the record of what operators did."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import abort, jsonify, url_for
from flask.typing import ResponseReturnValue

from app.operations import audit as record
from app.operations import lists, redis_keys
from app.web import rate_limits, schemas
from app.web.errors import wants_json
from app.web.operations import views
from app.web.operations.access import bp
from app.web.operations.tabs import page


@bp.get("/operations/jobs/<job_id>")
@rate_limits.reads
def job(job_id: str) -> ResponseReturnValue:
    """Show all that happened to one job."""
    found = lists.job(job_id)
    if found is None:
        abort(404)
    events = views.events_view(found)
    (view,) = views.jobs_view([found])
    if wants_json():
        return jsonify(job=view, events=views.events_as_json(events))
    return page(
        "job", "", job=view, events=events, due_at=found.due_at, account_id=found.account_id
    )


@bp.get("/operations/redis")
@rate_limits.reads
def redis() -> ResponseReturnValue:
    """List what is in Redis."""
    asked = schemas.query(schemas.calls.RedisQuery)
    match = asked.match or ""
    try:
        found = redis_keys.keys(match, asked.before)
    except redis_keys.RedisAway:
        return _away(match)
    told: dict[str, Any] = {"keys": [asdict(key) for key in found.keys], "next": found.next}
    if wants_json():
        return jsonify(told)
    next_url = None
    if found.next:
        next_url = url_for("operations.redis", match=match or None, before=found.next)
    return page("redis", "redis", match=match, keys=found.keys, next_url=next_url)


@bp.get("/operations/redis/key")
@rate_limits.reads
def redis_key() -> ResponseReturnValue:
    """Show what is under one key, unless it may be secret."""
    name = schemas.query(schemas.calls.RedisKeyQuery).name
    try:
        found = redis_keys.value_of(name)
    except redis_keys.RedisAway:
        return _away("")
    if found is None:
        abort(404)
    if wants_json():
        return jsonify(asdict(found))
    return page("redis_key", "redis", found=found)


def _away(match: str) -> ResponseReturnValue:
    if wants_json():
        return jsonify(keys=[], next=None, unavailable=True)
    return page("redis", "redis", match=match, keys=None, next_url=None)


@bp.get("/operations/audit")
@rate_limits.reads
def audit() -> ResponseReturnValue:
    """List what operators did, newest first."""
    found = record.page(schemas.query(schemas.calls.ListQuery).before)
    if wants_json():
        return jsonify(audit=[views.audit_view(one) for one in found.actions], next=found.next)
    further = url_for("operations.audit", before=found.next) if found.next else None
    shown = [views.audit_shown(one) for one in found.actions]
    return page("audit", "audit", actions=shown, next_url=further)


@bp.get("/operations/audit/<int:audit_id>")
@rate_limits.reads
def action(audit_id: int) -> ResponseReturnValue:
    """Show one action."""
    found = record.action(audit_id) if audit_id <= schemas.LARGEST_ID else None
    if found is None:
        abort(404)
    if wants_json():
        return jsonify(audit=views.audit_view(found))
    return page("audit", "audit", actions=[views.audit_shown(found)], next_url=None)
