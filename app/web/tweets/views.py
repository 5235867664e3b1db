"""How tweets, their jobs and accounts look to pages and programs: dicts for templates and JSON."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from app import broker
from app.db import utcnow
from app.learning import numbers
from app.models import (
    RESTORED,
    WAITING,
    Account,
    Delivery,
    JobStatus,
    StoredPart,
    StoredTweet,
    Tweet,
    content,
    contents_of,
    milliseconds_late,
    transitions,
)
from app.networks import Network
from app.states import FINAL, HoldReason, State, status_of
from app.web import learning, pictures
from app.web.context import networks
from app.web.i18n import exact_time, iso_utc, relative_time
from app.web.messages import delivery_error, hold_error, label_of
from app.web.tweets import options
from app.web.tweets.payload import follows

MIN_POLL_SECONDS = 0.7
SENDING_POLL_SECONDS = 1.0
LATE_POLL_SECONDS = 10.0
"""At most for what is overdue or looked up."""
WAITING_POLL_SECONDS = 15.0
"""For what waits for its owner or its network."""
MAX_POLL_SECONDS = 5 * 60.0
STATUS = "/status/"
"""The path of a job's status, before its id."""
LEADS_TO = (
    "tweets.show",
    "actions.edit",
    "actions.reschedule",
    "actions.cancel",
    "actions.retry",
    "actions.confirm",
    "drafts.take_back",
)
"""Endpoints that a card leads to."""
FOR_CARDS = {"own_actions", "shown_at"}
"""What a page needs to know of a job, and programs do not."""


def tweet_views(tweets: Sequence[Tweet]) -> list[dict[str, Any]]:
    """Return what a card shows of each tweet."""
    flat = [delivery for tweet in tweets for delivery in tweet.deliveries]
    views = _picture_views([*(tweet.parts for tweet in tweets), *(one.parts for one in flat)])
    job_address, addresses = f"{request.root_path}{STATUS}", _addresses()
    shown_at = {moment: _shown_moment(moment) for moment in {_moment_of(one) for one in flat}}
    return [
        {
            "id": tweet.id,
            "text": tweet.text,
            "parts": _part_views(shared_parts(tweet), views),
            "due_at": tweet.due_at,
            "created_at": tweet.created_at,
            "series_url": _series_of(tweet),
            "can_be_draft": can_be_draft(tweet),
            "is_cancelled": all(one.state == State.CANCELLED for one in tweet.deliveries),
            "urls": {
                name: address.replace("/0", f"/{tweet.id}") for name, address in addresses.items()
            },
            "jobs": [
                {
                    **_job_view(JobStatus.from_delivery(delivery), job_address),
                    "own_parts": _part_views(_own_parts(delivery), views),
                    "options": delivery.options or {},
                    "actions": actions,
                    "own_actions": _own_actions(actions, actions_of(tweet)),
                    "due_at": delivery.due_at,
                    "published_at": delivery.accepted_at,
                    "shown_at": shown_at[_moment_of(delivery)],
                    "profile_url": _profile_of(delivery.account),
                }
                for delivery in tweet.deliveries
                for actions in [_actions_of_job(delivery)]
            ],
            "actions": actions_of(tweet),
        }
        for tweet in tweets
    ]


def _series_of(tweet: Tweet) -> str | None:
    """Return the address of the series of a tweet that is not over; None without one."""
    is_over = all(one.state in FINAL for one in tweet.deliveries)
    if tweet.series_id is None or is_over:
        return None
    return url_for("series.show", series_id=tweet.series_id)


def _addresses() -> dict[str, str]:
    """Return the address of each thing that cards lead to, for a tweet with the id 0."""
    return {name.rpartition(".")[2]: url_for(name, tweet_id=0) for name in LEADS_TO}


def _moment_of(delivery: Delivery) -> datetime:
    """Return the moment that a card shows: when it was published, else when it is due."""
    out_at = delivery.accepted_at if delivery.state == State.PUBLISHED else None
    return out_at or delivery.due_at


def _shown_moment(moment: datetime) -> dict[str, str]:
    return {
        "iso": iso_utc(moment),
        "exact": exact_time(moment),
        "relative": relative_time(moment),
    }


def _own_actions(actions: Sequence[str], of_all: Sequence[str]) -> list[str]:
    """Return what can be done with one job of several, but not with all of them together."""
    together = {"post_now", "cancel", *(one for one in of_all if one == "edit")}
    return [one for one in actions if one not in together]


def jobs_as_json(view: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the jobs of a card as programs see them, with Celery's word."""
    return _lists_of_jobs([view])[0]


def tweets_as_json(tweets: Sequence[Tweet]) -> list[dict[str, Any]]:
    """Return tweets with their jobs as programs see them."""
    shown = tweet_views(tweets)
    return [
        {**plain(tweet), "parts": view["parts"], "jobs": jobs}
        for tweet, view, jobs in zip(tweets, shown, _lists_of_jobs(shown), strict=True)
    ]


def _lists_of_jobs(shown: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the jobs of each card for programs; Redis is asked once for all of them."""
    job_ids = [job["job_id"] for view in shown for job in view["jobs"]]
    celery, answers = broker.celery_states(job_ids), numbers.of_deliveries(job_ids)
    return [
        [
            {
                **{name: value for name, value in job.items() if name not in FOR_CARDS},
                "celery_state": celery[job["job_id"]],
                "due_at": iso_utc(job["due_at"]),
                "published_at": job["published_at"] and iso_utc(job["published_at"]),
                "numbers": learning.numbers.as_json(answers[job["job_id"]]),
            }
            for job in view["jobs"]
        ]
        for view in shown
    ]


def plain(tweet: Tweet | StoredTweet) -> dict[str, Any]:
    """Return a tweet as programs see it."""
    return {"id": tweet.id, "text": tweet.text, "due_at": iso_utc(tweet.due_at)}


def said_due(at: datetime) -> str:
    """Say when a tweet goes out that was scheduled just now."""
    if at <= utcnow():
        return _("Your tweet is on its way.")
    return _("Scheduled for %(when)s.", when=exact_time(at, seconds=False))


def said_queued(at: datetime) -> str:
    """Say when a tweet goes out that was added to the queue just now."""
    return _("Added to the queue, for %(when)s.", when=exact_time(at, seconds=False))


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


def can_be_draft(tweet: Tweet) -> bool:
    """Return whether nothing of it is out or may be, and some of it waits or has failed."""
    left = [one for one in tweet.deliveries if one.state != State.CANCELLED]
    return bool(left) and all(
        one.state in {*WAITING, State.FAILED}
        and not one.resends
        and not one.posted
        and one.error_code != RESTORED
        for one in left
    )


def _actions_of_job(delivery: Delivery) -> Sequence[str]:
    edit = () if delivery.resends else ("edit",)
    if delivery.state == State.SCHEDULED:
        return ("post_now", *edit, "cancel") if edit else ("cancel",)
    if delivery.state == State.HELD and delivery.account.needs_reconnect:
        return ("reconnect", *edit, "discard")
    if delivery.state == State.HELD and delivery.hold_reason == HoldReason.DELETION:
        return (*edit, "discard")
    if delivery.state == State.HELD:
        return ("post_now", *edit, "discard")
    if delivery.state == State.REVIEW:
        return ("confirm", "send_again", "discard")
    return ("retry", *edit) if delivery.state == State.FAILED else ()


def job_views(asked: Sequence[JobStatus], root: str) -> list[dict[str, Any]]:
    """Return what ``/status`` says about each job.

    :param root: the path that the app is mounted at, "" as a rule.
    """
    celery = broker.celery_states([job.id for job in asked])
    address = f"{root}{STATUS}"
    return [_job_view(job, address) | {"celery_state": celery[job.id]} for job in asked]


def _job_view(job: JobStatus, address: str) -> dict[str, Any]:
    """Return all that is said of a job but Celery's word, for which Redis has to be asked."""
    network = networks()[job.network]
    published = job.accepted_at if job.state == State.PUBLISHED else None
    return {
        "job_id": job.id,
        "tweet_id": job.tweet_id,
        "status_url": f"{address}{job.id}",
        "network": network.name,
        "title": network.title,
        "handle": job.handle,
        "server": job.server,
        "status": status_of(job.state),
        "state": job.state,
        "label": label_of(job.state),
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
    if job.state == State.PUBLISHED:
        return None
    if job.state == State.CANCELLED and job.error_code != transitions.SKIPPED:
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


def account_views(
    accounts: Sequence[Account], with_options: Container[int] | None = None
) -> list[dict[str, Any]]:
    """Return what a composer shows and counts for each of these accounts.

    :param with_options: ids of the accounts whose options are in the page, None for all; scripts
        fetch the others when somebody opens them.
    """
    return [
        {
            "id": account.id,
            "network": account.network,
            "title": networks()[account.network].title,
            "handle": account.handle,
            "server": account.server,
            "needs_reconnect": account.needs_reconnect,
            "access_ends_at": account.access_ends_at,
            "has_slots": bool(account.slots),
            "threads": networks()[account.network].threads,
            "signature_id": account.signature_id,
            "limits": content.limits_of(account, networks()[account.network]),
            "options": options.fields_of(account)
            if with_options is None or account.id in with_options
            else None,
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


def part_views(parts: Sequence[StoredPart]) -> list[dict[str, Any]]:
    """Return what is shown of the parts of something: words and pictures."""
    return _part_views(parts, _picture_views([parts]))


def _part_views(parts: Sequence[StoredPart], views: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "text": part["text"] or "",
            "pictures": [views[name] for name in part["pictures"] or () if name in views],
        }
        for part in parts
    ]
