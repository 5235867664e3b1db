"""Writing down how create calls ended, and what follows from it.

Guarded by state and fence: a worker that comes back after its lease changes nothing, and what it
heard is too old to say anything about an account or a network. Accepted tweets are recorded next
door, in accepting.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import delete, update

from app import jobs
from app.db import db, from_now, is_passing, patiently, rows_changed
from app.models import Account, Attempt, Delivery, Upload
from app.networks.base import Kind, Outcome, Scope
from app.services import holding
from app.services.accepting import record_accepted, seconds_since
from app.services.claims import Claim
from app.services.ending import Ending
from app.states import HoldReason, State

log = logging.getLogger(__name__)

SLOWEST_RETRY = 300.0
UNDER_WAY = (State.CLAIMED, State.SENDING)
"""What ends while it is still claimed ended in its preparation: nothing was sent."""
FORGETTING = 2
"""How often pictures that the network has lost are uploaded again."""


def record(endings: Sequence[Ending]) -> list[str]:
    """Store every ending; return the ids that should be claimed again at once.

    Keeps trying through a restart of the database. What never lands is settled by its lease.
    """
    accepted = [ending for ending in endings if ending.outcome.kind == Kind.OK]
    others = [ending for ending in endings if ending.outcome.kind != Kind.OK]
    unstored = record_accepted(accepted) if accepted else []
    told = [ending for ending in endings if ending not in unstored]
    others += [_as_lost(ending) for ending in unstored]
    again = [ending.claim.job_id for ending in others if _asks_for_another(ending)]
    again += [
        ending.claim.job_id
        for ending in told
        if ending.outcome.kind == Kind.OK and not ending.claim.is_last
    ]
    jobs.store_results(_results(told))
    return again


def _as_lost(ending: Ending) -> Ending:
    """What was accepted and cannot be stored is looked for, and is never sent again blindly."""
    outcome = ending.outcome
    lost = Outcome(
        Kind.AMBIGUOUS,
        "garbled_answer",
        http_status=outcome.http_status,
        answered_at=outcome.answered_at,
    )
    return replace(ending, outcome=lost)


def _asks_for_another(ending: Ending) -> bool:
    """Store one ending; True to claim it again at once.

    Without the network's words if it cannot be with them; what cannot at all is left to its lease.
    """
    bare = replace(ending.outcome, detail=None, request_id=None)
    for tried in (ending, replace(ending, outcome=bare)):
        try:
            return patiently(partial(_record, tried))
        except Exception as error:
            if is_passing(error):
                raise
            reason = type(error).__name__
            log.error("how job %s ended cannot be stored: %s", ending.claim.job_id, reason)
    return False


def _results(endings: Sequence[Ending]) -> list[tuple[str, str, Any]]:
    """Return what AsyncResult shall say, for the jobs that are over."""
    results: list[tuple[str, str, Any]] = [
        (ending.claim.job_id, jobs.SUCCESS, _url_of(ending))
        for ending in endings
        if ending.outcome.kind == Kind.OK and ending.claim.is_last
    ]
    refused = [ending for ending in endings if ending.outcome.kind == Kind.REJECTED]
    failed = patiently(lambda: _failed_of(refused)) if refused else []
    return [*results, *((job_id, jobs.FAILURE, RuntimeError(code)) for job_id, code in failed)]


def _failed_of(endings: Sequence[Ending]) -> list[tuple[str, str | None]]:
    """Return the jobs among these that have failed, and why; others may have gone on."""
    its_ids = [ending.claim.job_id for ending in endings]
    failed = (Delivery.id.in_(its_ids), Delivery.state == State.FAILED)
    rows = db.session.execute(db.select(Delivery.id, Delivery.error_code).where(*failed)).all()
    db.session.commit()
    return [(row.id, row.error_code) for row in rows]


def _url_of(ending: Ending) -> str | None:
    first = next(iter(ending.claim.posted), None)
    return first["remote_url"] if first else ending.outcome.remote_url


def _record(ending: Ending) -> bool:
    """Store one ending that is not an accepted tweet; True to claim it again at once."""
    handlers: dict[Kind, Callable[[Ending], bool]] = {
        Kind.NOT_SENT: _not_sent,
        Kind.LATER: _later,
        Kind.REJECTED: _rejected,
        Kind.AUTH: _access_refused,
        Kind.HOLD: _app_refused,
        Kind.AMBIGUOUS: _ambiguous,
    }
    again = handlers[ending.outcome.kind](ending)
    _close_attempt(ending.claim, ending.outcome)
    db.session.commit()
    return again


def _not_sent(ending: Ending) -> bool:
    """Try again, less and less often; soon when it was only this machine that was slow."""
    wait = ending.outcome.retry_after
    if wait is None:
        wait = min(SLOWEST_RETRY, 2.0 ** min(_count_of(Delivery.tries, ending.claim), 10))
    _back(ending, wait, tries=Delivery.tries + 1)
    return False


def _later(ending: Ending) -> bool:
    outcome = ending.outcome
    if outcome.code == "pictures_gone":
        return _pictures_gone(ending)
    if not _is_fresh(ending):
        return _back(ending, 0)
    if outcome.scope == Scope.NETWORK and outcome.retry_after is not None:
        wait = outcome.retry_after
        holding.pause_network(ending.network, wait)
    else:
        wait = holding.pause_account(ending.claim.account_id, outcome.retry_after)
    _back(ending, wait)
    return False


def _pictures_gone(ending: Ending) -> bool:
    """Upload them again; when that did not help either, it is a no."""
    claim = ending.claim
    if not _is_fresh(ending):  # the pictures may be others by now
        return _back(ending, 0)
    uploads = delete(Upload).where(
        Upload.delivery_id == claim.job_id, Upload.picture_id.in_(claim.pictures)
    )
    rows_changed(uploads)
    before = db.select(db.func.count(Attempt.id)).where(
        Attempt.delivery_id == claim.job_id,
        Attempt.part == claim.part,
        Attempt.code == ending.outcome.code,
    )
    if (db.session.scalar(before) or 0) >= FORGETTING:
        _fail(ending)
    else:
        _back(ending, ending.outcome.retry_after or 0)
    return False


def _rejected(ending: Ending) -> bool:
    if ending.outcome.is_duplicate and _count_of(Delivery.resends, ending.claim):
        _unconfirm(ending, "echoed", echoed=True)
        return False
    if ending.outcome.code == "pictures_gone":
        return _pictures_gone(ending)
    if ending.outcome.pause_for is not None and _is_fresh(ending):
        holding.pause_account(ending.claim.account_id, ending.outcome.pause_for)
    _fail(ending)
    return False


def _fail(ending: Ending) -> None:
    _move(
        ending.claim,
        UNDER_WAY,
        state=State.FAILED,
        next_at=None,
        finished_at=from_now(),
        first_sent_at=_UNLESS_RESENT,
        error_code=ending.outcome.code,
        error_detail=ending.outcome.detail,
    )


def _access_refused(ending: Ending) -> bool:
    """The first refusal asks for a refresh, when there is one; the second ends the access.

    A refusal of credentials that were replaced meanwhile says nothing about the new ones.
    """
    account_id, version = ending.claim.account_id, ending.access_version
    account = db.session.get_one(Account, account_id, populate_existing=True)
    network = current_app.extensions["networks"][ending.network]
    refusals = _count_of(Delivery.refusals, ending.claim)
    if network.can_refresh(account.credentials) and refusals == 0:
        refused = holding.doubt_access(account_id, version)
        return _back(ending, 0, refusals=1 if refused else 0)
    if not holding.hold_account(account_id, version, ending.outcome.detail):
        return _back(ending, 0)
    _hold(ending, HoldReason.RECONNECT)
    return False


def _app_refused(ending: Ending) -> bool:
    if not _is_fresh(ending):
        return _back(ending, 0)
    holding.stop_network(ending.network, ending.outcome.code or "", ending.outcome.detail)
    _hold(ending, HoldReason.NETWORK)
    holding.hold_network_rows(ending.network)
    return False


def _ambiguous(ending: Ending) -> bool:
    _unconfirm(ending)
    return False


def _unconfirm(ending: Ending, code: str | None = None, **values: Any) -> None:
    _move(
        ending.claim,
        (State.SENDING,),
        state=State.UNCONFIRMED,
        lookups=0,
        unconfirmed_at=from_now(),
        next_at=from_now(current_app.config["RECONCILE_DELAYS"][0]),
        error_code=code or ending.outcome.code,
        error_detail=ending.outcome.detail,
        **values,
    )


def _hold(ending: Ending, reason: HoldReason) -> None:
    _move(
        ending.claim,
        UNDER_WAY,
        state=State.HELD,
        hold_reason=reason,
        next_at=None,
        error_code=ending.outcome.code,
        error_detail=ending.outcome.detail,
    )


def _back(ending: Ending, wait: float, **values: Any) -> bool:
    """Only a definite "not now" may come here: nothing of it is at the network."""
    return bool(
        _move(
            ending.claim,
            UNDER_WAY,
            state=State.SCHEDULED,
            rings=0,
            not_before=from_now(wait),
            next_at=from_now(wait),
            first_sent_at=_UNLESS_RESENT,
            error_code=ending.outcome.code,
            error_detail=ending.outcome.detail,
            **values,
        )
    )


_UNLESS_RESENT = db.case((Delivery.resends > 0, Delivery.first_sent_at))
"""After a definite no, look-ups need not reach back to this call."""


def _is_fresh(ending: Ending) -> bool:
    """False when the lease is over: whoever slept so long may have heard it at any time."""
    mine = (Delivery.id == ending.claim.job_id, Delivery.fence == ending.claim.fence)
    still = db.select(Delivery.id).where(*mine, Delivery.lease_until > from_now())
    return db.session.scalar(still) is not None


def _count_of(column: Any, claim: Claim) -> int:
    return db.session.scalar(db.select(column).where(Delivery.id == claim.job_id)) or 0


def _move(claim: Claim, states: tuple[State, ...], **values: Any) -> int:
    return rows_changed(
        update(Delivery)
        .where(
            Delivery.id == claim.job_id,
            Delivery.fence == claim.fence,
            Delivery.state.in_(states),
        )
        .values(owner=None, lease_until=None, **values)
    )


def _close_attempt(claim: Claim, outcome: Outcome) -> None:
    db.session.execute(
        update(Attempt)
        .where(Attempt.delivery_id == claim.job_id, Attempt.fence == claim.fence)
        .values(
            ended_at=from_now(-seconds_since(outcome)),
            outcome=outcome.kind,
            http_status=outcome.http_status,
            request_id=outcome.request_id,
            code=outcome.code,
            detail=outcome.detail,
        )
    )
