"""What every page knows, and how rows look to pages and programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Flask, Response, current_app, request
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from app.db import db
from app.models import Account, Delivery, Job, Tweet, drafts
from app.networks.base import Network
from app.services import watching
from app.states import State
from app.web import sessions
from app.web.job_views import job_views

PRIVATE = {"tweets", "changes", "status", "settings", "accounts"}


def init_app(app: Flask) -> None:
    """Give every template what all pages show."""
    app.context_processor(_shared)
    app.after_request(_keep_private)


def _keep_private(response: Response) -> Response:
    """Nothing of a signed-in person may be shown by the Back button after signing out."""
    if request.blueprint in PRIVATE and sessions.user_id() is not None:
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


def tweet_views(tweets: Sequence[Tweet]) -> list[dict[str, Any]]:
    """Return what a card shows of each tweet."""
    flat = [delivery for tweet in tweets for delivery in tweet.deliveries]
    views = job_views([Job.from_delivery(delivery) for delivery in flat])
    jobs_by_id = {view["job_id"]: view for view in views}
    return [
        {
            "id": tweet.id,
            "text": tweet.text,
            "further": [part["text"] for part in tweet.parts[1:]],
            "pictures": len(tweet.parts[0]["pictures"]) if tweet.parts else 0,
            "due_at": tweet.due_at,
            "created_at": tweet.created_at,
            "jobs": [
                {
                    **jobs_by_id[delivery.id],
                    "own_text": _own_text(delivery),
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
            "limits": drafts.limits_of(account, networks()[account.network]),
        }
        for account in accounts
    ]


def _own_text(delivery: Delivery) -> str | None:
    """Return what this account says instead of the shared text, None for nothing of its own."""
    if delivery.parts is None:
        return None
    own = "\n\n".join(part["text"] for part in delivery.parts)
    return own if own != delivery.tweet.text else None


def actions_of(tweet: Tweet) -> list[str]:
    """Return the verbs that its owner may use now, for all of its accounts together."""
    actions: dict[str, None] = {}
    for delivery in tweet.deliveries:
        actions |= dict.fromkeys(_actions(delivery))
    if any("edit" not in _actions(delivery) for delivery in tweet.deliveries):
        actions.pop("edit", None)  # what is out on one account cannot be changed any more
    return list(actions)


def _actions(delivery: Delivery) -> Sequence[str]:
    if delivery.state == State.SCHEDULED:
        return ("post_now", "edit", "cancel") if not delivery.resends else ("cancel",)
    if delivery.state == State.HELD and delivery.account.needs_reconnect:
        return ("reconnect", "edit", "discard")
    if delivery.state == State.HELD:
        return ("post_now", "edit", "discard")
    if delivery.state == State.REVIEW:
        return ("confirm", "send_again", "discard")
    if delivery.state == State.FAILED:
        return ("retry", "edit")
    return ()
