"""What every page knows, and how rows look to pages and programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Flask, Response, current_app, request, url_for
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from app import jobs
from app.db import db, utcnow
from app.models import Account, Delivery, Tweet, drafts
from app.models.drafts import StoredPart
from app.networks.base import Network
from app.services import watching
from app.states import FINAL, State
from app.web import contents, pictures, reasons, sentences
from app.web.locales import iso_utc

MINUTE = 60.0
PRIVATE = {"tweets", "changes", "status", "settings", "accounts"}


def init_app(app: Flask) -> None:
    """Give every template what all pages show."""
    app.context_processor(_shared)
    app.after_request(_keep_private)


def _keep_private(response: Response) -> Response:
    """Nothing of a signed-in person may be shown by the Back button after signing out."""
    if request.blueprint in PRIVATE and current_user.is_authenticated:
        response.headers["Cache-Control"] = "no-store"
    return response


def _shared() -> dict[str, Any]:
    local = [network for network in networks().values() if network.is_local]
    return {
        "sandbox": bool(local),
        "sandbox_url": local[0].profile_url("") if local else None,
        "nothing_is_sent": _silence(),
    }


def networks() -> dict[str, Network]:
    """Return the app's networks by name."""
    return current_app.extensions["networks"]


def _silence() -> dict[str, datetime | None] | None:
    """When no worker is alive, say so, and since when."""
    if not current_user.is_authenticated:
        return None
    try:
        pulse = watching.pulse()
    except SQLAlchemyError:
        db.session.rollback()
        return None
    return None if pulse.beats else {"last_seen_at": pulse.last_seen_at}


def job_views(deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """Return what ``/status`` says about each delivery."""
    celery = jobs.celery_states([delivery.id for delivery in deliveries])
    return [_job_view(delivery, celery[delivery.id]) for delivery in deliveries]


def _job_view(delivery: Delivery, celery_state: str) -> dict[str, Any]:
    network = networks()[delivery.account.network]
    published = delivery.accepted_at if delivery.state == State.PUBLISHED else None
    return {
        "job_id": delivery.id,
        "tweet_id": delivery.tweet_id,
        "status_url": url_for("status.one", job_id=delivery.id),
        "network": network.name,
        "title": network.title,
        "handle": delivery.account.handle,
        "server": delivery.account.server,
        "status": delivery.status,
        "state": delivery.state,
        "label": sentences.label_of(delivery.state),
        "celery_state": celery_state,
        "due_at": iso_utc(delivery.due_at),
        "published_at": iso_utc(published) if published else None,
        "lateness_ms": delivery.lateness_ms if published else None,
        "attempts": delivery.attempts,
        "url": delivery.remote_url or next(filter(None, delivery.urls_out), None),
        "parts": _parts_of(delivery),
        "error": _error_of(delivery, network),
        "poll_after_ms": poll_after_ms(delivery),
    }


def _parts_of(delivery: Delivery) -> dict[str, Any] | None:
    """Say how much of a thread is out, and where; None while nothing is, and without a thread."""
    if not delivery.posted:
        return None
    return {"total": len(delivery.contents), "posted": delivery.urls_out}


def _error_of(delivery: Delivery, network: Network) -> dict[str, str] | None:
    if delivery.state in {State.PUBLISHED, State.CANCELLED}:
        return None
    if delivery.state == State.HELD:
        code, message, step = sentences.hold_error(
            delivery.hold_reason, network.title, delivery.account.handle, delivery.error_code
        )
        return {"code": code, "message": message, "next_step": step}
    if not delivery.error_code:
        return None
    message, step = reasons.delivery_error(delivery.error_code, network.title)
    return {"code": delivery.error_code, "message": message, "next_step": step}


def poll_after_ms(delivery: Delivery) -> int | None:
    """Milliseconds after which asking again is worth it; None when the state is final."""
    if delivery.state in FINAL:
        return None
    if delivery.state in {State.HELD, State.REVIEW}:
        return 15_000
    now = utcnow()
    if delivery.state == State.UNCONFIRMED:
        return _between(1.0, _seconds(delivery.next_at, now), 10.0)
    if delivery.state == State.SCHEDULED:
        remaining = _seconds(delivery.not_before, now)
        if remaining < 0:  # overdue: the longer, the less it helps to ask
            return _between(0.7, -remaining / 10, 10.0)
        return _between(0.7, min(remaining + 0.5, remaining / 4 + 1), 5 * MINUTE)
    return 1_000


def _seconds(moment: datetime | None, now: datetime) -> float:
    return (moment - now).total_seconds() if moment else 0.0


def _between(least: float, seconds: float, most: float) -> int:
    return round(1000 * max(least, min(seconds, most)))


def tweet_views(tweets: Sequence[Tweet]) -> list[dict[str, Any]]:
    """Return what a card shows of each tweet."""
    flat = [delivery for tweet in tweets for delivery in tweet.deliveries]
    jobs_by_id = {view["job_id"]: view for view in job_views(flat)}
    views = _picture_views([*(tweet.parts for tweet in tweets), *(one.parts for one in flat)])
    return [
        {
            "id": tweet.id,
            "text": tweet.text,
            "parts": _part_views(tweet.parts or [_only_part(tweet)], views),
            "due_at": tweet.due_at,
            "created_at": tweet.created_at,
            "jobs": [
                {
                    **jobs_by_id[delivery.id],
                    "own_parts": _part_views(_own_parts(delivery), views),
                    "actions": _actions(delivery),
                    "due_at": delivery.due_at,
                    "published_at": delivery.accepted_at,
                    "profile_url": networks()[delivery.account.network].profile_url(
                        delivery.account.handle
                    ),
                }
                for delivery in tweet.deliveries
            ],
            "actions": actions_of(tweet),
        }
        for tweet in tweets
    ]


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
            "limits": drafts.limits_of(account, networks()[account.network]),
        }
        for account in accounts
    ]


def shown(form: dict[str, Any]) -> dict[str, Any]:
    """Return a form with views of its pictures instead of their ids."""
    views = _picture_views([form["parts"]])
    own_fields = any(name.startswith("variant-") for name in form["errors"])
    return form | {
        "parts": _part_views(form["parts"], views),
        "shows_variants": own_fields or any(form["variants"].values()),
    }


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


def _only_part(tweet: Tweet) -> StoredPart:
    return {"text": tweet.text, "pictures": []}


def _own_parts(delivery: Delivery) -> list[StoredPart]:
    """Return what this account says instead, [] for nothing; with pictures if those differ, too."""
    own, shared = delivery.parts or [], delivery.tweet.parts or [_only_part(delivery.tweet)]
    if own == shared:
        return []
    return [{**part, "pictures": []} for part in own] if contents.follows(own, shared) else own


def actions_of(tweet: Tweet) -> list[str]:
    """Return the verbs that its owner may use now, for all of its accounts together."""
    actions: dict[str, None] = {}
    for delivery in tweet.deliveries:
        actions |= dict.fromkeys(_actions(delivery))
    if any(one.posted or "edit" not in _actions(one) for one in tweet.deliveries):
        actions.pop("edit", None)  # where it is not out, each account's own text can be changed
    return list(actions)


def _actions(delivery: Delivery) -> Sequence[str]:
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
