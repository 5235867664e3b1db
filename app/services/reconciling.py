"""Finding out what became of a delivery that may have been accepted.

A look-up reads the account's own timeline. Found: published. Absent from every look-up: one
guarded resend, or more where the network guards them. Not readable, or lost a second time: its
owner decides. Nothing else ever sends such a delivery again.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import Row

from app import jobs
from app.db import abandon, database_now, db, from_now, is_passing, patiently
from app.models import Account, Attempt, Delivery, Tweet
from app.networks.base import LookUpFailed, LookUpRefused, Network, SeenPost, TokenRefused
from app.services import binding, continuing, holding, refreshing
from app.services.lane import stopping
from app.states import State

log = logging.getLogger(__name__)

JUMP = timedelta(hours=2)
"""How far before the first send look-ups read: our clock may have been ahead when we sent."""
SLOWEST_LOOK = 60.0
ECHO_PATIENCE = 900.0
"""Seconds for which what the network says it has is looked for."""
SLOWEST_RESEND = 300.0


def reconcile(job_ids: Sequence[str]) -> None:
    """Look up those of these deliveries that are unconfirmed; one read for each account."""
    by_account: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in _unconfirmed(job_ids):
        by_account[row.account_id].append(row)
    for account_id, rows in by_account.items():
        if stopping.is_set():
            return  # the rows come due again
        try:
            _reconcile_account(account_id, rows)
        except Exception as error:
            if is_passing(error):
                raise
            log.exception("account %s cannot be looked up", account_id)
            abandon()
            _look_later(rows)


def _unconfirmed(job_ids: Sequence[str]) -> Sequence[Row[Any]]:
    statement = (
        db.select(
            Delivery.id,
            Delivery.fence,
            Delivery.account_id,
            Delivery.due_at,
            Delivery.first_sent_at,
            Delivery.unconfirmed_at,
            Delivery.lookups,
            Delivery.resends,
            Delivery.echoed,
            Delivery.posted,
            Delivery.parts.label("own"),
            Tweet.text,
            Tweet.parts,
            Attempt.body,
        )
        .join(Tweet, Tweet.id == Delivery.tweet_id)
        .join(Attempt, (Attempt.delivery_id == Delivery.id) & (Attempt.fence == Delivery.fence))
        .where(Delivery.id.in_(job_ids), Delivery.state == State.UNCONFIRMED)
        .order_by(Delivery.first_sent_at)
    )
    rows = db.session.execute(statement).all()
    db.session.commit()
    return rows


def _reconcile_account(account_id: int, rows: Sequence[Row[Any]]) -> None:
    account = db.session.get_one(Account, account_id, populate_existing=True)
    network: Network = current_app.extensions["networks"][account.network]
    remote_id, handle = account.remote_id, account.handle
    db.session.commit()
    try:
        access = refreshing.access_to_read(account_id)
        since = min(row.first_sent_at for row in rows) - JUMP
        bodies = [row.body for row in rows]
        posts = network.recent(access.credentials, remote_id, since, bodies)
    except (LookUpFailed, refreshing.NotNow, refreshing.NoAccess) as failure:
        log.info("account %s cannot be looked up now: %s", account_id, type(failure).__name__)
        _look_later(rows)
    except TokenRefused as refusal:
        _refuse_access(account_id, access.version, network, str(refusal))
        _look_later(rows)
    except LookUpRefused as refusal:
        for row in rows:
            _ask_owner(row, "unreadable", str(refusal))
    else:
        for row in rows:
            looks = network.looks_before_resend(access.credentials, row.first_sent_at)
            _settle_alone(row, posts, network, looks, network.profile_url(handle))


def _settle_alone(row: Row[Any], *found: Any) -> None:
    """Settle a row; what was found for it and cannot be stored is shown to its owner."""
    try:
        _settle(row, *found)
    except Exception as error:
        if is_passing(error):
            raise
        log.exception("job %s cannot be settled", row.id)
        abandon()
        _ask_owner(row, "unreadable", None)


def _settle(
    row: Row[Any],
    posts: Sequence[SeenPost],
    network: Network,
    looks: int | None,
    profile: str,
) -> None:
    """Take one of the posts for this row, or decide what it means that none of them is it."""
    wanted = network.comparable(row.body)
    alike = [post for post in posts if post.comparable == wanted and continuing.may_be(row, post)]
    dated_well = (post for post in alike if binding.is_dated_well(row, post))
    if any(binding.bind(row, post, network) for post in dated_well):
        return
    if binding.may_be_it(row, alike, network):
        _look_later([row])  # that is not absence
    else:
        _not_found(row, looks, network, profile)


def _not_found(row: Row[Any], looks: int | None, network: Network, profile: str) -> None:
    """Count a successful look-up that did not show it, and decide after the last one.

    :param looks: how many prove that it is not there; None when no number does.
    """
    delays = current_app.config["RECONCILE_DELAYS"]
    guarded = looks is not None and looks <= len(delays)
    looked = row.lookups + 1
    if looked < min(looks or len(delays), len(delays)):
        pause = delays[looked] - delays[row.lookups]
        _count(row, next_at=from_now(max(0.5, pause)))
    elif row.echoed:
        _take_the_networks_word(row, network, profile)
    elif guarded or (looks is not None and row.resends == 0):
        wait = min(SLOWEST_RESEND, 2.0**row.resends) if row.resends else 0
        _count(
            row,
            state=State.SCHEDULED,
            resends=row.resends + 1,
            rings=0,
            not_before=from_now(wait),
            next_at=from_now(wait),
        )
    else:
        _ask_owner(row, "never_seen", None)


def _count(row: Row[Any], **values: Any) -> bool:
    return patiently(lambda: _change(row, lookups=row.lookups + 1, **values))


def _take_the_networks_word(row: Row[Any], network: Network, profile: str) -> None:
    """It refused the resend as a duplicate, so it has the tweet, but does not show it yet."""
    age = database_now() - row.unconfirmed_at
    if age.total_seconds() < min(ECHO_PATIENCE, current_app.config["RECONCILE_PATIENCE"]):
        _look_later([row])
        return
    # Without its id no part can answer it; or perhaps it was the twin that the network meant.
    twin = db.select(binding.twin(row, State.PUBLISHED, network))
    if continuing.is_thread(row) or db.session.scalar(twin):
        _ask_owner(row, "never_seen", None)
        return
    published = patiently(
        lambda: binding.move(
            row,
            state=State.PUBLISHED,
            remote_url=profile,
            accepted_at=row.first_sent_at,
            finished_at=from_now(),
            next_at=None,
            error_code=None,
            error_detail=None,
        )
    )
    if published:
        jobs.store_results([(row.id, jobs.SUCCESS, profile)])


def _look_later(rows: Sequence[Row[Any]]) -> None:
    """Nothing was learnt: look again, less and less often, and in the end ask the owner."""
    now = database_now()
    db.session.commit()
    first_delay = current_app.config["RECONCILE_DELAYS"][0]
    for row in rows:
        age = (now - row.unconfirmed_at).total_seconds()
        if age > current_app.config["RECONCILE_PATIENCE"]:
            _ask_owner(row, "unreadable", None)
            continue
        pause = min(SLOWEST_LOOK, max(1.0, first_delay, age / 2))
        patiently(partial(_change, row, next_at=from_now(pause)))


def _ask_owner(row: Row[Any], code: str, detail: str | None) -> None:
    review = {"state": State.REVIEW, "next_at": None}
    patiently(lambda: _change(row, **review, error_code=code, error_detail=detail))


def _change(row: Row[Any], **values: Any) -> bool:
    """Change a row unless somebody has looked it up since it was read."""
    return binding.move(row, Delivery.lookups == row.lookups, **values)


def _refuse_access(account_id: int, version: int, network: Network, detail: str) -> None:
    """The look-up's token was refused: refresh before the next one, or ask for a reconnect."""

    def store() -> None:
        account = db.session.get_one(Account, account_id, populate_existing=True)
        if network.can_refresh(account.credentials):
            holding.doubt_access(account_id, version)
        else:
            holding.hold_account(account_id, version, detail)
        db.session.commit()

    patiently(store)
