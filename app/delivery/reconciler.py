"""Finds out what happened to a delivery that the network may have accepted.

A look-up reads the account's own timeline. If the post is there, the delivery is published. If no
look-up finds it, it is resent once, or more often where the network itself prevents duplicates. If
the timeline cannot be read, or the resend is lost too, its owner decides. No other code sends such
a delivery again.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Row, Update

from app import broker
from app.accounts import credentials, holds
from app.backoff import backoff_seconds
from app.db import (
    database_now,
    db,
    from_now,
    is_transient,
    retry_transient,
    rollback_quietly,
)
from app.delivery import matching, threads
from app.delivery.claims import MAX_LOOK_UP_REST_SECONDS
from app.models import Account, Attempt, Delivery, Tweet, transitions
from app.networks import Credentials, LookUpFailed, LookUpRefused, Network, SeenPost, TokenRefused
from app.shutdown import stopping
from app.states import State

log = logging.getLogger(__name__)

JUMP = timedelta(hours=2)
"""How far back before the first send look-ups read: our clock may have been ahead."""
MAX_LOOK_UP_SECONDS = 60.0
GAP = 5.0
"""Seconds between two look-ups of one account, unless the delays are shorter. Rows that come due
in between share one look-up; otherwise a busy account would use up its allowance."""
MAX_ECHO_SECONDS = 900.0
"""Seconds for which we look for a post after the network refused its resend as a duplicate."""
MAX_RESEND_SECONDS = 300.0


def reconcile(job_ids: Sequence[str]) -> None:
    """Look up those of these deliveries that are unconfirmed; one read for each account.

    Other unconfirmed deliveries of the account are published if the read shows them. If it does
    not, nothing changes for them.
    """
    by_account: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in _unconfirmed(job_ids):
        by_account[row.account_id].append(row)
    for account_id, rows in by_account.items():
        if stopping.is_set():
            return  # the rows come due again
        due = [row for row in rows if row.id in set(job_ids)]
        if not due:
            continue  # another process has settled it since
        wait = _look_up_gaps.wait_of(account_id)
        if wait:
            _put_off(due, wait)
            continue
        try:
            _reconcile_account(account_id, due, [row for row in rows if row not in due])
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("account %s cannot be looked up", account_id)
            rollback_quietly()
            _look_up_later(due)


class _LookUpGaps:
    """When each account was last looked up by this process, on the database's clock."""

    MOST = 10_000

    def __init__(self) -> None:
        self._looked_at: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def wait_of(self, account_id: int) -> float:
        """Return seconds until the account may be looked up; 0 means now, and reserves it."""
        gap = min(GAP, current_app.config["RECONCILE_DELAYS"][0])
        now = database_now()
        db.session.commit()
        with self._lock:
            last = self._looked_at.get(account_id)
            passed = gap if last is None else (now - last).total_seconds()
            if 0 <= passed < gap:
                return gap - passed
            if len(self._looked_at) >= self.MOST:
                self._looked_at.clear()
            self._looked_at[account_id] = now
            return 0


_look_up_gaps = _LookUpGaps()


def _put_off(rows: Sequence[Row[Any]], seconds: float) -> None:
    for row in rows:
        _run(transitions.look_up_later(seconds, *_as_read(row)))


def _unconfirmed(job_ids: Sequence[str]) -> Sequence[Row[Any]]:
    its_accounts = db.select(Delivery.account_id).where(Delivery.id.in_(job_ids))
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
            Delivery.asks_first,
            Delivery.posted,
            Delivery.parts.label("own"),
            Tweet.text,
            Tweet.parts,
            Attempt.body,
        )
        .join(Tweet, Tweet.id == Delivery.tweet_id)
        .join(Attempt, (Attempt.delivery_id == Delivery.id) & (Attempt.fence == Delivery.fence))
        .where(Delivery.account_id.in_(its_accounts), Delivery.state == State.UNCONFIRMED)
        .order_by(Delivery.first_sent_at)
    )
    rows = db.session.execute(statement).all()
    db.session.commit()
    return rows


def _reconcile_account(
    account_id: int, rows: Sequence[Row[Any]], others: Sequence[Row[Any]]
) -> None:
    account = db.session.get_one(Account, account_id, populate_existing=True)
    network: Network = current_app.extensions["networks"][account.network]
    remote_id = account.remote_id
    profile = account.profile_url or network.profile_url(account.handle)
    db.session.commit()
    try:
        access = credentials.access_to_read(account_id)
        since = min(row.first_sent_at for row in rows) - JUMP
        bodies = [row.body for row in (*rows, *others)]
        posts = network.recent(access.credentials, remote_id, since, bodies)
    except (LookUpFailed, credentials.NotNow, credentials.NoAccess) as failure:
        log.info("account %s cannot be looked up now: %s", account_id, type(failure).__name__)
        _look_up_later(rows, getattr(failure, "retry_after", None))
    except TokenRefused as refusal:
        _refuse_access(account_id, access.version, network, str(refusal))
        _look_up_later(rows)
    except LookUpRefused as refusal:
        for row in rows:
            _ask_owner(row, "unreadable", str(refusal))
    else:
        for row in rows:
            _settle_alone(row, posts, _LookUp(network, access.credentials, profile))
        for row in others:
            _bind_alone(row, posts, network)


def _settle_alone(row: Row[Any], posts: Sequence[SeenPost], look_up: _LookUp) -> None:
    """Settle a row; if a found post cannot be stored, its owner decides."""
    try:
        _settle(row, posts, look_up)
    except Exception as error:
        if is_transient(error):
            raise
        log.exception("job %s cannot be settled", row.id, extra={"job_id": row.id})
        rollback_quietly()
        _ask_owner(row, "unreadable", None)


def _bind_alone(row: Row[Any], posts: Sequence[SeenPost], network: Network) -> None:
    """Publish a row that is not due yet, if its post is there; doubts wait for its own look-up."""
    try:
        _bind_if_there(row, posts, network)
    except Exception as error:
        if is_transient(error):
            raise
        log.exception("job %s cannot be settled yet", row.id, extra={"job_id": row.id})
        rollback_quietly()


@dataclass(frozen=True, slots=True)
class _LookUp:
    """The credentials and other inputs of a look-up."""

    network: Network
    credentials: Credentials
    profile: str
    """The account's own page."""

    def lacks_parent(self, row: Row[Any]) -> bool:
        """Whether the post that this part replies to is known to be deleted."""
        with suppress(LookUpFailed):
            return bool(row.posted) and self.network.lacks_parent(self.credentials, row.body)
        return False


def _settle(row: Row[Any], posts: Sequence[SeenPost], look_up: _LookUp) -> None:
    """Match one of the posts to this row, or decide what follows when none matches."""
    alike = _alike(row, posts, look_up.network)
    if _bind_if_there(row, alike, look_up.network):
        return
    if matching.may_be_it(row, alike, look_up.network):
        _look_up_later([row])  # this does not prove that the post is absent
    elif any(matching.belongs_to_no_row(row, post) for post in alike if not post.is_certain):
        _ask_owner(row, "likely_there", None)
    else:
        _not_found(row, look_up)


def _alike(row: Row[Any], posts: Sequence[SeenPost], network: Network) -> list[SeenPost]:
    wanted = network.comparable(row.body)
    return [post for post in posts if post.comparable == wanted and threads.may_be(row, post)]


def _bind_if_there(row: Row[Any], posts: Sequence[SeenPost], network: Network) -> bool:
    sure = (
        post
        for post in _alike(row, posts, network)
        if post.is_certain and matching.is_dated_well(row, post)
    )
    return any(matching.bind(row, post, network) for post in sure)


def _not_found(row: Row[Any], look_up: _LookUp) -> None:
    """Count a successful look-up that did not find it, and decide after the last one."""
    delays = current_app.config["RECONCILE_DELAYS"]
    look_ups = look_up.network.look_ups_before_resend(look_up.credentials, row.first_sent_at)
    guarded = look_ups is not None and look_ups <= len(delays)
    looked = row.lookups + 1
    if looked < min(look_ups or len(delays), len(delays)):
        pause = delays[looked] - delays[row.lookups]
        _run(transitions.look_up_later(max(0.5, pause), *_as_read(row), lookups=looked))
    elif row.echoed:
        _take_the_networks_word(row, look_up)
    elif row.asks_first:
        _ask_owner(row, "never_seen", None)
    elif look_up.lacks_parent(row):
        _ask_owner(row, "parent_gone", None)
    elif guarded or (look_ups is not None and row.resends == 0):
        wait = backoff_seconds(row.resends, MAX_RESEND_SECONDS) if row.resends else 0
        _run(transitions.resend(wait, row.resends + 1, *_as_read(row), lookups=looked))
    else:
        _ask_owner(row, "never_seen", None)


def _take_the_networks_word(row: Row[Any], look_up: _LookUp) -> None:
    """Handle a resend refused as a duplicate: the network has the tweet, but does not show it."""
    age = database_now() - row.unconfirmed_at
    if age.total_seconds() < min(MAX_ECHO_SECONDS, current_app.config["RECONCILE_GIVE_UP_AFTER"]):
        _look_up_later([row])
        return
    # Without its id no part can reply to it; or the network meant another, equal tweet.
    has_equal_tweet = db.select(matching.has_equal_tweet(row, State.PUBLISHED, look_up.network))
    if threads.is_thread(row) or db.session.scalar(has_equal_tweet):
        _ask_owner(row, "never_seen", None)
        return
    mine = matching.as_read(row)
    published = _run(transitions.trust_duplicate(look_up.profile, row.first_sent_at, *mine))
    if published:
        broker.store_results([(row.id, broker.SUCCESS, look_up.profile)])


def _look_up_later(rows: Sequence[Row[Any]], retry_after: float | None = None) -> None:
    """After a failed look-up: try again, later each time; in the end ask the owner.

    :param retry_after: seconds that the network asked us to wait. The whole account then waits,
        because look-ups would use up the allowance that publishing needs.
    """
    now = database_now()
    db.session.commit()
    first_delay = current_app.config["RECONCILE_DELAYS"][0]
    for row in rows:
        age = (now - row.unconfirmed_at).total_seconds()
        if age > current_app.config["RECONCILE_GIVE_UP_AFTER"]:
            _ask_owner(row, "unreadable", None)
            continue
        pause = min(MAX_LOOK_UP_SECONDS, max(1.0, first_delay, age / 2))
        if retry_after is not None:
            pause = max(pause, min(retry_after, MAX_LOOK_UP_REST_SECONDS))
        _run(transitions.look_up_later(pause, *_as_read(row)))
    if retry_after is not None:
        _rest(rows[0].account_id, min(retry_after, MAX_LOOK_UP_REST_SECONDS))


def _rest(account_id: int, seconds: float) -> None:
    """Do not start another look-up of the account before this time."""
    sooner = (Delivery.account_id == account_id, Delivery.next_at < from_now(seconds))
    _run(transitions.look_up_later(seconds, *sooner))


def _ask_owner(row: Row[Any], code: str, detail: str | None) -> None:
    _run(transitions.ask_owner(code, detail, *_as_read(row)))


def _as_read(row: Row[Any]) -> tuple[Any, ...]:
    """Return the conditions that nobody has looked the row up since it was read."""
    return (*matching.as_read(row), Delivery.lookups == row.lookups)


def _run(statement: Update) -> bool:
    return retry_transient(lambda: matching.run(statement))


def _refuse_access(account_id: int, version: int, network: Network, detail: str) -> None:
    """The look-up's token was refused: refresh before the next one, or ask for a reconnect."""

    def store() -> None:
        account = db.session.get_one(Account, account_id, populate_existing=True)
        if network.can_refresh(account.credentials):
            holds.doubt_access(account_id, version)
        else:
            holds.hold_account(account_id, version, detail)
        db.session.commit()

    retry_transient(store)
