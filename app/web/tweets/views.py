"""How tweets, their jobs and accounts look to pages and programs: dicts for templates and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from app import broker
from app.db import utcnow
from app.models import (
    Account,
    Delivery,
    JobStatus,
    StoredPart,
    Tweet,
    content,
    contents_of,
    milliseconds_late,
)
from app.networks import Network
from app.states import FINAL, State, status_of
from app.web import pictures
from app.web.context import networks
from app.web.i18n import exact_time, iso_utc
from app.web.messages import delivery_error, hold_error, label_of
from app.web.tweets.payload import follows

MIN_POLL_SECONDS = 0.7
SENDING_POLL_SECONDS = 1.0
LATE_POLL_SECONDS = 10.0
"""At most for what is overdue or looked up."""
WAITING_POLL_SECONDS = 15.0
"""For what waits for its owner or its network."""
MAX_POLL_SECONDS = 5 * 60.0


def tweet_views(tweets: Sequence[Tweet]) -> list[dict[str, Any]]:
    """Return what a card shows of each tweet."""
    flat = [delivery for tweet in tweets for delivery in tweet.deliveries]
    told = job_views([JobStatus.from_delivery(delivery) for delivery in flat])
    jobs_by_id = {view["job_id"]: view for view in told}
    views = _picture_views([*(tweet.parts for tweet in tweets), *(one.parts for one in flat)])
    return [
        {
            "id": tweet.id,
            "text": tweet.text,
            "parts": _part_views(shared_parts(tweet), views),
            "due_at": tweet.due_at,
            "created_at": tweet.created_at,
            "jobs": [
                {
                    **jobs_by_id[delivery.id],
                    "own_parts": _part_views(_own_parts(delivery), views),
                    "actions": _actions_of_job(delivery),
                    "due_at": delivery.due_at,
                    "published_at": delivery.accepted_at,
                    "profile_url": _profile_of(delivery.account),
                }
                for delivery in tweet.deliveries
            ],
            "actions": actions_of(tweet),
        }
        for tweet in tweets
    ]


def plain(tweet: Tweet) -> dict[str, Any]:
    """Return a tweet as programs see it."""
    return {"id": tweet.id, "text": tweet.text, "due_at": iso_utc(tweet.due_at)}


def said_due(at: datetime) -> str:
    """Say when a tweet goes out that was scheduled just now."""
    if at <= utcnow():
        return _("Your tweet is on its way.")
    return _("Scheduled for %(when)s.", when=exact_time(at, seconds=False))


def _profile_of(account: Account) -> str:
    return account.profile_url or networks()[account.network].profile_url(account.handle)


def shared_parts(tweet: Tweet) -> list[StoredPart]:
    """Return what accounts without a text of their own publish."""
    return tweet.parts or [{"text": tweet.text, "pictures": []}]


def _own_parts(delivery: Delivery) -> list[StoredPart]:
    """Return what this account says instead, [] for nothing; with pictures if those differ, too."""
    own, shared = delivery.parts or [], shared_parts(delivery.tweet)
    if own == shared:
        return []
    return [{**part, "pictures": []} for part in own] if follows(own, shared) else own


def actions_of(tweet: Tweet) -> list[str]:
    """Return the actions that its owner can take now, for all of its accounts together."""
    actions: dict[str, None] = {}
    for delivery in tweet.deliveries:
        actions |= dict.fromkeys(_actions_of_job(delivery))
    if any(one.posted or "edit" not in _actions_of_job(one) for one in tweet.deliveries):
        actions.pop("edit", None)  # where it is not out, each account's own text can be changed
    return list(actions)


def _actions_of_job(delivery: Delivery) -> Sequence[str]:
    edit = () if delivery.resends else ("edit",)
    if delivery.state == State.SCHEDULED:
        return ("post_now", *edit, "cancel") if edit else ("cancel",)
    if delivery.state == State.HELD and delivery.account.needs_reconnect:
        return ("reconnect", *edit, "discard")
    if delivery.state == State.HELD:
        return ("post_now", *edit, "discard")
    if delivery.state == State.REVIEW:
        return ("confirm", "send_again", "discard")
    return ("retry", *edit) if delivery.state == State.FAILED else ()


def job_views(asked: Sequence[JobStatus]) -> list[dict[str, Any]]:
    """Return what ``/status`` says about each job."""
    celery = broker.celery_states([job.id for job in asked])
    return [_job_view(job, celery[job.id]) for job in asked]


def _job_view(job: JobStatus, celery_state: str) -> dict[str, Any]:
    network = networks()[job.network]
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
        "label": label_of(job.state),
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


def _parts_of(job: JobStatus, network: Network) -> dict[str, Any] | None:
    """Say how much of a thread is out, and where; None while nothing is, and without a thread."""
    if not job.posted:
        return None
    parts = contents_of("", job.shared_parts, job.parts, network.threads)
    return {"total": len(parts), "posted": job.urls_out}


def _error_of(job: JobStatus, network: Network) -> dict[str, str] | None:
    if job.state in {State.PUBLISHED, State.CANCELLED}:
        return None
    if job.state == State.HELD:
        code, message, step = hold_error(job.hold_reason, network.title, job.handle, job.error_code)
        return {"code": code, "message": message, "next_step": step}
    if not job.error_code:
        return None
    message, step = delivery_error(job.error_code, network.title)
    return {"code": job.error_code, "message": message, "next_step": step}


def poll_after_ms(job: JobStatus) -> int | None:
    """Milliseconds after which asking again is worth it; None when the state is final."""
    if job.state in FINAL:
        return None
    if job.state in {State.HELD, State.REVIEW}:
        return _milliseconds(WAITING_POLL_SECONDS)
    now = utcnow()
    if job.state == State.UNCONFIRMED:
        return _between(SENDING_POLL_SECONDS, _seconds(job.next_at, now), LATE_POLL_SECONDS)
    if job.state == State.SCHEDULED:
        remaining = _seconds(job.not_before, now)
        if remaining < 0:  # overdue: the longer, the less it helps to ask
            return _between(MIN_POLL_SECONDS, -remaining / 10, LATE_POLL_SECONDS)
        return _between(MIN_POLL_SECONDS, min(remaining + 0.5, remaining / 4 + 1), MAX_POLL_SECONDS)
    return _milliseconds(SENDING_POLL_SECONDS)


def _seconds(moment: datetime | None, now: datetime) -> float:
    return (moment - now).total_seconds() if moment else 0.0


def _between(least: float, seconds: float, most: float) -> int:
    return _milliseconds(max(least, min(seconds, most)))


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


def account_views(accounts: Sequence[Account]) -> list[dict[str, Any]]:
    """Return what a composer shows and counts for each of these accounts."""
    return [
        {
            "id": account.id,
            "network": account.network,
            "title": networks()[account.network].title,
            "handle": account.handle,
            "server": account.server,
            "needs_reconnect": account.needs_reconnect,
            "threads": networks()[account.network].threads,
            "limits": content.limits_of(account, networks()[account.network]),
        }
        for account in accounts
    ]


def shown(form: dict[str, Any]) -> dict[str, Any]:
    """Return a form with views of its pictures instead of their ids."""
    views = _picture_views([form["parts"]])
    views = {name: view | _typed(name) for name, view in views.items()}
    own_fields = any(name.startswith("variant-") for name in form["errors"])
    return form | {
        "parts": _part_views(form["parts"], views),
        "shows_variants": own_fields or any(form["variants"].values()),
    }


def _typed(picture_id: str) -> dict[str, str]:
    """Return the description that a refused form came with: it is given back as it was typed."""
    name = f"alt-{picture_id}"
    return {"alt": request.form[name]} if name in request.form else {}


def _picture_views(lists: Iterable[Sequence[StoredPart] | None]) -> dict[str, Any]:
    """Return what is shown of every picture in these parts, by id."""
    parts = (part for own in lists for part in own or ())
    picture_ids = dict.fromkeys(name for part in parts for name in part["pictures"] or ())
    return {view["id"]: view for view in pictures.views_of(current_user, list(picture_ids))}


def _part_views(parts: Sequence[StoredPart], views: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "text": part["text"] or "",
            "pictures": [views[name] for name in part["pictures"] or () if name in views],
        }
        for part in parts
    ]
