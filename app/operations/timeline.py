"""What happened to one job, as its row and its attempts tell it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.db import utcnow
from app.models import Attempt, Delivery
from app.states import HoldReason, State

SECRET = re.compile(
    r"token|secret|passw|authoriz|signature|credential|cookie|api_?key|jwt|proof", re.IGNORECASE
)
"""Names of what a body must not show."""
HIDDEN = "…"
MAX_SHOWN = 4_000
"""Characters of a body; the words of a thread are longer than anybody reads here."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``facts`` are for the sentence that people read."""

    at: datetime
    kind: str
    worker: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def events_of(job: Delivery) -> list[Event]:
    """Return what is known to have happened, oldest first."""
    found = [Event(job.created_at, "scheduled", facts={"due_at": job.due_at}), *_told(job)]
    for attempt in job.history:
        found += _tried(job, attempt)
    found += [*_in_hand(job), *_looked_up(job), *_now(job)]
    return sorted(found, key=lambda event: event.at)


def _told(job: Delivery) -> Iterator[Event]:
    if job.wake_ups:
        yield Event(max(job.not_before, job.created_at), "notified", facts={"count": job.wake_ups})


def _tried(job: Delivery, attempt: Attempt) -> Iterator[Event]:
    """A claim and its intent are stored at once, so both have the moment of the attempt."""
    worker = attempt.worker or (job.owner if attempt.fence == job.fence else None)
    part = attempt.part + 1
    yield Event(attempt.started_at, "claimed", worker)
    asked = {"part": part, "body": shown(attempt.body)}
    yield Event(attempt.started_at, "asked", worker, asked)
    if attempt.ended_at is not None:
        answer = {
            "outcome": attempt.outcome,
            "http_status": attempt.http_status,
            "request_id": attempt.request_id,
            "code": attempt.code,
            "detail": attempt.detail,
        }
        yield Event(attempt.ended_at, "answered", worker, answer)


def _in_hand(job: Delivery) -> Iterator[Event]:
    """Claimed without an attempt yet: it is being prepared."""
    if job.state == State.CLAIMED and all(one.fence != job.fence for one in job.history):
        yield Event(max(job.due_at, job.created_at), "claimed", job.owner)


def _looked_up(job: Delivery) -> Iterator[Event]:
    if job.unconfirmed_at is not None and (job.lookups or job.state == State.UNCONFIRMED):
        yield Event(job.unconfirmed_at, "looked_up", facts={"count": job.lookups})


def _now(job: Delivery) -> Iterator[Event]:
    """Say where it is now, unless that has been said."""
    latest = job.finished_at or _latest(job)
    reason = {"code": job.error_code, "hold_reason": job.hold_reason}
    if job.state in {State.PUBLISHED, State.FAILED, State.CANCELLED}:
        yield Event(latest, str(job.state), facts={**reason, "url": job.remote_url})
    elif job.state in {State.HELD, State.REVIEW}:
        asks = job.state == State.REVIEW or job.hold_reason == HoldReason.LATE
        yield Event(latest, "held", facts={**reason, "asks_owner": asks})
    elif job.state == State.SCHEDULED and (job.attempts or job.not_before > job.due_at):
        yield Event(latest, "waits", facts={**reason, "until": job.not_before})


def _latest(job: Delivery) -> datetime:
    """Return the last moment at which something is known to have happened."""
    moments = [job.created_at, job.first_sent_at, job.unconfirmed_at]
    moments += [moment for one in job.history for moment in (one.started_at, one.ended_at)]
    past = [moment for moment in moments if moment is not None and moment <= utcnow()]
    return max(past, default=job.created_at)


def shown(body: Any) -> str:
    """Return the body of a call without its secrets, as text."""
    text = json.dumps(_without_secrets(body), ensure_ascii=False, indent=1)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}{HIDDEN}"


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: HIDDEN if SECRET.search(str(name)) else _without_secrets(each)
            for name, each in value.items()
        }
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value
