"""How jobs of everybody, and what happened to them, look to operators and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import current_app, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from app.db import database_now
from app.models import Delivery, JobStatus, OperationsAudit, Pause
from app.operations import pauses, timeline
from app.web.context import networks
from app.web.i18n import exact_time, iso_utc
from app.web.messages import delivery_error, hold_error, outcome_of, what_is_paused
from app.web.tweets import job_views

_KINDS = {
    "scheduled": _l("Scheduled"),
    "notified": _l("Workers were told"),
    "claimed": _l("Claimed by a worker"),
    "asked": _l("The network was asked"),
    "answered": _l("The network answered"),
    "waits": _l("Waits"),
    "looked_up": _l("Looked up"),
    "published": _l("Published"),
    "failed": _l("Failed"),
    "held": _l("Held"),
    "cancelled": _l("Cancelled"),
}
_ACTIONS = {
    "retry": _l("Send now"),
    "reschedule": _l("Move to another time"),
    "confirm": _l("Mark as posted"),
    "discard": _l("Discard"),
    "pause": _l("Pause"),
    "undo_pause": _l("Undo a pause"),
    "resume_send": _l("Resume and send what waited"),
    "resume_shift": _l("Resume and move what waited"),
    "resume_discard": _l("Resume and discard what waited"),
    "stop_worker": _l("Stop a worker gently"),
    "change_periodic": _l("Change work at intervals"),
    "run_periodic": _l("Run work at intervals now"),
    "long_task": _l("Begin a long task"),
}
_ACTIONS_AT = {
    "scheduled": ("retry", "reschedule", "discard"),
    "retries": ("retry", "reschedule", "discard"),
    "failed": ("retry", "reschedule"),
    "held": ("retry", "reschedule", "confirm", "discard"),
}


def jobs_view(jobs: Sequence[Delivery]) -> list[dict[str, Any]]:
    """Return what is said of jobs: what their owners see, and who and where."""
    views = job_views([JobStatus.from_delivery(job) for job in jobs], request.root_path)
    return [
        {
            **view,
            "text": job.tweet.text,
            "user": job.tweet.user.handle,
            "worker": _worker(job.owner),
            "next_at": job.next_at and iso_utc(job.next_at),
        }
        for view, job in zip(views, jobs, strict=True)
    ]


def jobs_shown(jobs: Sequence[Delivery]) -> list[dict[str, Any]]:
    """Return jobs as a page shows them: with moments instead of texts."""
    shown = zip(jobs_view(jobs), jobs, strict=True)
    return [{**view, "due": job.due_at, "next": job.next_at} for view, job in shown]


def _worker(owner: str | None) -> str | None:
    """Return the id of the worker process: what claims has a further mark behind it."""
    return owner.rpartition(":")[0] or owner if owner else None


def events_view(job: Delivery) -> list[dict[str, Any]]:
    """Return the timeline of a job, as it is shown."""
    return [_event_view(job, event) for event in timeline.events_of(job)]


def events_as_json(views: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a timeline as programs see it."""
    return [
        {
            "at": iso_utc(view["at"]),
            "kind": view["kind"],
            "worker": view["worker"],
            "text": "\n".join(filter(None, [view["words"], view["detail"]])),
        }
        for view in views
    ]


def _event_view(job: Delivery, event: timeline.Event) -> dict[str, Any]:
    words, detail = _words(job, event)
    return {
        "at": event.at,
        "kind": event.kind,
        "title": _KINDS[event.kind],
        "worker": _worker(event.worker),
        "words": words,
        "detail": detail,
    }


def _words(job: Delivery, event: timeline.Event) -> tuple[str, str]:
    """Return a sentence about an event, and what was said there word for word."""
    facts = event.facts
    if event.kind == "scheduled":
        return _("Due %(when)s.", when=exact_time(facts["due_at"])), ""
    if event.kind == "notified":
        return _told_words(facts["count"]), ""
    if event.kind == "claimed":
        return _("A worker took it."), ""
    if event.kind == "asked":
        return _("This was sent, as part %(part)s.", part=facts["part"]), facts["body"]
    if event.kind == "answered":
        return _answer(facts)
    if event.kind == "looked_up":
        return _not_found_words(facts["count"]), ""
    return _state_words(job, event), facts.get("url") or ""


def _told_words(count: int) -> str:
    return ngettext(
        "Workers were told of it once.", "Workers were told of it %(num)s times.", count
    )


def _not_found_words(count: int) -> str:
    if not count:
        return _("It is being looked up.")
    return ngettext("It was not found once.", "It was not found %(num)s times.", count)


def _answer(facts: Mapping[str, Any]) -> tuple[str, str]:
    told = [outcome_of(facts["outcome"])]
    told += [f"HTTP {facts['http_status']}"] if facts["http_status"] else []
    told += [facts["code"]] if facts["code"] else []
    return f"{' · '.join(told)}", facts["detail"] or ""


def _state_words(job: Delivery, event: timeline.Event) -> str:
    title = networks()[job.account.network].title
    code = event.facts.get("code")
    if event.kind == "held" and event.facts["hold_reason"]:
        reason = event.facts["hold_reason"]
        return hold_error(reason, title, job.account.handle, code)[1]
    why = delivery_error(code, title)[0] if code else ""
    if event.kind == "waits":
        until = _("It waits until %(when)s.", when=exact_time(event.facts["until"]))
        return f"{until} {why}".strip()
    if event.kind == "published":
        return _("It is published.")
    if event.kind == "cancelled":
        return why or _("It was taken back.")
    return why


def action_words(action: str) -> str:
    """Return what an action is called."""
    return str(_ACTIONS.get(action, action))


def actions_at(tab: str) -> list[tuple[str, Any]]:
    """Return what can be done to jobs of a tab: names and words."""
    return [(action, _ACTIONS[action]) for action in _ACTIONS_AT.get(tab, ())]


def audit_view(one: OperationsAudit) -> dict[str, Any]:
    """Return one action as programs see it."""
    return {
        "id": one.id,
        "at": iso_utc(one.at),
        "by": one.user.handle,
        "action": one.action,
        "filter": one.chosen,
        "matched": one.matched,
        "done": one.done,
        "skipped": one.skipped,
        "submit_id": one.submit_id,
        "finished_at": one.finished_at and iso_utc(one.finished_at),
    }


def audit_shown(one: OperationsAudit) -> dict[str, Any]:
    """Return one action as people see it."""
    chosen = [f"{name}: {value}" for name, value in one.chosen.items()]
    return {
        **audit_view(one),
        "at": one.at,
        "finished_at": one.finished_at,
        "action": action_words(one.action),
        "chosen": " · ".join(chosen),
    }


def _milliseconds(duration: timedelta) -> int:
    return max(0, duration // timedelta(milliseconds=1))


def pauses_shown(some: Sequence[Pause]) -> list[dict[str, Any]]:
    """Return pauses as people see them."""
    if not some:
        return []
    now, accounts = database_now(), pauses.accounts_of(some)
    titles = {name: network.title for name, network in networks().items()}
    return [
        {
            "id": one.id,
            "what": what_is_paused(one, titles, accounts),
            "by": one.user.handle,
            "at": one.at,
            "undo_ms": 0 if one.ended_at else _milliseconds(one.undo_until - now),
            "has_ended": one.ended_at is not None,
        }
        for one in some
    ]


def network_choices() -> list[tuple[str, str]]:
    """Return every network's name and what it is called."""
    known = current_app.extensions["networks"].values()
    return [(network.name, network.title) for network in known]
