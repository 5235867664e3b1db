"""What every page knows, and how rows look to pages and programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Flask, current_app, request
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError

from app.db import db
from app.models import Account, Delivery, Job, Tweet, drafts
from app.models.drafts import StoredPart
from app.networks.base import Network
from app.services import watching
from app.states import State
from app.web import contents, pictures, sessions
from app.web.job_views import job_views


def init_app(app: Flask) -> None:
    """Give every template what all pages show."""
    app.context_processor(_shared)


def _shared() -> dict[str, Any]:
    local = [network for network in networks().values() if network.is_local]
    real = [
        network.title for network in networks().values() if network.ready and network not in local
    ]
    return {
        "sandbox": bool(local),
        "real_networks": real,
        "sandbox_url": local[0].profile_url("") if local else None,
        "nothing_is_sent": _silence(),
        "person_mark": sessions.person_mark,
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
    told = job_views([Job.from_delivery(delivery) for delivery in flat])
    jobs_by_id = {view["job_id"]: view for view in told}
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
                    "profile_url": _profile_of(delivery.account),
                }
                for delivery in tweet.deliveries
            ],
            "actions": actions_of(tweet),
        }
        for tweet in tweets
    ]


def _profile_of(account: Account) -> str:
    return account.profile_url or networks()[account.network].profile_url(account.handle)


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
    views = {name: view | _typed(name) for name, view in views.items()}
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


def _typed(picture_id: str) -> dict[str, str]:
    """Return the description that a refused form came with: it is given back as it was typed."""
    name = f"alt-{picture_id}"
    return {"alt": request.form[name]} if name in request.form else {}


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
