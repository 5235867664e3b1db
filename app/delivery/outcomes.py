"""How the create call of a claim ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import CTE, BigInteger, Integer, String, delete, or_, update
from sqlalchemy.types import TypeEngine

from app import broker
from app.accounts import holds
from app.db import UTCDateTime, db, from_now, is_transient, retry_transient, rows_changed, table_of
from app.delivery.claims import Claim
from app.delivery.threads import changes, is_next, posted_as
from app.models import Account, Attempt, Delivery, Upload
from app.networks import Outcome, OutcomeKind, Scope, http
from app.states import HoldReason, State


@dataclass(frozen=True, slots=True)
class SendResult:
    """A claim, the credentials it used, and the outcome of its call."""

    claim: Claim
    network: str
    access_version: int
    outcome: Outcome
    was_prepared: bool = True
    """False when it ended before its call, because of what the tweet needed first."""


@dataclass(frozen=True, slots=True)
class SendCrashed:
    """A call that raised, which none may: its row is left to its lease."""

    claim: Claim


log = logging.getLogger(__name__)

UNSENT = set(State) - {State.SENDING, State.UNCONFIRMED, State.PUBLISHED}
"""Where a late answer may find a row of another claim without another call being under way."""


def record_accepted(send_results: Sequence[SendResult]) -> list[SendResult]:
    """Publish the rows of accepted tweets and close their attempts; repeats while the database
    is away.

    All in one statement; when that fails, each by itself, so that none spoils the others.

    :returns: those that the database refuses in any form: they are looked for like lost ones.
    """
    try:
        retry_transient(lambda: _store(send_results))
    except Exception as error:
        if is_transient(error):
            raise
        return [send_result for send_result in send_results if not _is_stored_alone(send_result)]
    return []


def _is_stored_alone(send_result: SendResult) -> bool:
    """Store one ending, without the network's words if it cannot be with them."""
    bare = replace(send_result.outcome, remote_url=None, request_id=None, detail=None)
    for tried in (send_result, replace(send_result, outcome=bare)):
        try:
            retry_transient(partial(_store_taking_back, tried))
        except Exception as error:
            if is_transient(error):
                raise
            reason = type(error).__name__
            log.error(
                "job %s was accepted and cannot be stored: %s", send_result.claim.job_id, reason
            )
        else:
            return True
    return False


def seconds_since(outcome: Outcome) -> float:
    """Seconds since the answer came; the database's clock is read that much later."""
    return 0 if outcome.answered_at is None else http.boottime() - outcome.answered_at


def _store(send_results: Sequence[SendResult]) -> None:
    rows = _as_rows(send_results)
    published = _publish_all(send_results, rows)
    db.session.execute(_close_attempts(rows), execution_options={"synchronize_session": False})
    _care_for_accounts(send_results)
    db.session.commit()
    for send_result in send_results:
        if send_result.claim.job_id not in published:
            log.error("job %s was accepted after its claim was gone", send_result.claim.job_id)


def _publish_all(send_results: Sequence[SendResult], rows: CTE) -> set[str]:
    """Return the ids of the rows that were changed."""
    threads = [send_result for send_result in send_results if send_result.claim.parts > 1]
    if not threads:
        return set(db.session.scalars(_publish(rows)))
    whole = [send_result for send_result in send_results if send_result.claim.parts == 1]
    published = set(db.session.scalars(_publish(_as_rows(whole)))) if whole else set()
    return published | {
        send_result.claim.job_id for send_result in threads if _continue(send_result)
    }


def _continue(send_result: SendResult) -> bool:
    """Store that a part of a thread is out, and schedule or publish what follows from it."""
    claim, outcome = send_result.claim, send_result.outcome
    _take_back(send_result)  # before it is stored: only the first part's id is unique by itself
    posted = [
        *claim.posted,
        posted_as(outcome.remote_id, outcome.remote_url, outcome.reference),
    ]
    accepted_at = from_now(-seconds_since(outcome))
    out = changes(posted, claim.parts, accepted_at)
    statement = update(Delivery).where(*_is_awaited(claim)).values(owner=None, lease_until=None)
    return bool(rows_changed(statement.values(out)))


def _is_awaited(claim: Claim) -> tuple[Any, ...]:
    """Return the conditions that an answer, however late, says what the claim's row is to be."""
    return (
        Delivery.id == claim.job_id,
        or_(Delivery.fence == claim.fence, Delivery.state.in_(UNSENT)),
        Delivery.state != State.PUBLISHED,
        is_next(claim.part),
    )


def _as_rows(send_results: Sequence[SendResult]) -> CTE:
    columns: dict[str, TypeEngine[Any]] = {
        "job_id": String(),
        "fence": Integer(),
        "remote_id": String(),
        "remote_url": String(),
        "age_ms": BigInteger(),
        "request_id": String(),
        "http_status": Integer(),
    }
    return table_of("accepted", columns, [_as_row(send_result) for send_result in send_results])


def _as_row(send_result: SendResult) -> tuple[Any, ...]:
    claim, outcome = send_result.claim, send_result.outcome
    age_ms = round(1000 * seconds_since(outcome))
    told = (outcome.remote_id, outcome.remote_url, age_ms, outcome.request_id, outcome.http_status)
    return (claim.job_id, claim.fence, *told)


def _publish(rows: CTE) -> Any:
    return (
        update(Delivery)
        .where(
            Delivery.id == rows.c.job_id,
            or_(Delivery.fence == rows.c.fence, Delivery.state.in_(UNSENT)),
            Delivery.state != State.PUBLISHED,
        )
        .values(
            state=State.PUBLISHED,
            remote_id=rows.c.remote_id,
            remote_url=rows.c.remote_url,
            accepted_at=_ago(rows),
            finished_at=from_now(),
            next_at=None,
            owner=None,
            lease_until=None,
            error_code=None,
            error_detail=None,
            hold_reason=None,
        )
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )


def _close_attempts(rows: CTE) -> Any:
    return (
        update(Attempt)
        .where(Attempt.delivery_id == rows.c.job_id, Attempt.fence == rows.c.fence)
        .values(
            ended_at=_ago(rows),
            outcome=OutcomeKind.OK,
            http_status=rows.c.http_status,
            request_id=rows.c.request_id,
        )
    )


def _ago(rows: CTE) -> Any:
    return db.type_coerce(db.type_coerce(from_now(), BigInteger) - rows.c.age_ms, UTCDateTime)


def _care_for_accounts(send_results: Sequence[SendResult]) -> None:
    """An accepted tweet ends the doubling of waits, and may have used up an allowance."""
    proven = {send_result.claim.account_id for send_result in send_results}
    rows_changed(update(Account).where(Account.id.in_(proven), Account.pauses > 0).values(pauses=0))
    for send_result in send_results:
        if send_result.outcome.pause_for is not None:
            left = max(0.0, send_result.outcome.pause_for - seconds_since(send_result.outcome))
            holds.pause_account(send_result.claim.account_id, left)


def _store_taking_back(send_result: SendResult) -> None:
    _take_back(send_result)
    _store([send_result])


def _take_back(send_result: SendResult) -> None:
    """A look-up for an equal text bound a post to another row: the network's answer wins.

    A thread that is taken back asks its owner: a look-up could not say which part is missing.
    """
    awaited = db.select(Delivery.id).where(*_is_awaited(send_result.claim))
    if db.session.scalar(awaited) is None:
        return  # it was sent again, and goes by what that was called
    is_thread = ~is_next(0)
    first_look_up = from_now(current_app.config["RECONCILE_DELAYS"][0])
    known = [posted["remote_id"] for posted in send_result.claim.posted]
    rows_changed(
        update(Delivery)
        .where(
            Delivery.account_id == send_result.claim.account_id,
            Delivery.remote_id.in_([*known, send_result.outcome.remote_id]),
            Delivery.id != send_result.claim.job_id,
        )
        .values(
            state=db.case((is_thread, State.REVIEW), else_=State.UNCONFIRMED),
            remote_id=None,
            remote_url=None,
            accepted_at=None,
            finished_at=None,
            lookups=0,
            unconfirmed_at=from_now(),
            next_at=db.case((is_thread, None), else_=first_look_up),
        )
    )


log = logging.getLogger(__name__)

MAX_RETRY_SECONDS = 300.0
UNDER_WAY = (State.CLAIMED, State.SENDING)
"""What ends while it is still claimed ended in its preparation: nothing was sent."""
FORGETTING = 2
"""How often pictures that the network has lost are uploaded again."""


def record_results(send_results: Sequence[SendResult]) -> list[str]:
    """Store every ending; return the ids that should be claimed again at once.

    Keeps trying through a restart of the database. What never lands is settled by its lease.
    """
    accepted = [
        send_result for send_result in send_results if send_result.outcome.kind == OutcomeKind.OK
    ]
    others = [
        send_result for send_result in send_results if send_result.outcome.kind != OutcomeKind.OK
    ]
    unstored = record_accepted(accepted) if accepted else []
    told = [send_result for send_result in send_results if send_result not in unstored]
    others += [_as_lost(send_result) for send_result in unstored]
    again = [send_result.claim.job_id for send_result in others if _asks_for_another(send_result)]
    again += [
        send_result.claim.job_id
        for send_result in told
        if send_result.outcome.kind == OutcomeKind.OK and not send_result.claim.is_last
    ]
    broker.store_results(_results(told))
    return again


def _as_lost(send_result: SendResult) -> SendResult:
    """What was accepted and cannot be stored is looked for, and is never sent again blindly."""
    outcome = send_result.outcome
    lost = Outcome(
        OutcomeKind.AMBIGUOUS,
        "garbled_answer",
        http_status=outcome.http_status,
        answered_at=outcome.answered_at,
    )
    return replace(send_result, outcome=lost)


def _asks_for_another(send_result: SendResult) -> bool:
    """Store one ending; True to claim it again at once.

    Without the network's words if it cannot be with them; what cannot at all is left to its lease.
    """
    bare = replace(send_result.outcome, detail=None, request_id=None)
    for tried in (send_result, replace(send_result, outcome=bare)):
        try:
            return retry_transient(partial(_record, tried))
        except Exception as error:
            if is_transient(error):
                raise
            reason = type(error).__name__
            log.error("how job %s ended cannot be stored: %s", send_result.claim.job_id, reason)
    return False


def _results(send_results: Sequence[SendResult]) -> list[tuple[str, str, Any]]:
    """Return what AsyncResult shall say, for the jobs that are over."""
    results: list[tuple[str, str, Any]] = [
        (send_result.claim.job_id, broker.SUCCESS, _url_of(send_result))
        for send_result in send_results
        if send_result.outcome.kind == OutcomeKind.OK and send_result.claim.is_last
    ]
    refused = [
        send_result
        for send_result in send_results
        if send_result.outcome.kind == OutcomeKind.REJECTED
    ]
    failed = retry_transient(lambda: _failed_of(refused)) if refused else []
    return [*results, *((job_id, broker.FAILURE, RuntimeError(code)) for job_id, code in failed)]


def _failed_of(send_results: Sequence[SendResult]) -> list[tuple[str, str | None]]:
    """Return the jobs among these that have failed, and why; others may have gone on."""
    its_ids = [send_result.claim.job_id for send_result in send_results]
    failed = (Delivery.id.in_(its_ids), Delivery.state == State.FAILED)
    rows = db.session.execute(db.select(Delivery.id, Delivery.error_code).where(*failed)).all()
    db.session.commit()
    return [(row.id, row.error_code) for row in rows]


def _url_of(send_result: SendResult) -> str | None:
    first = next(iter(send_result.claim.posted), None)
    return first["remote_url"] if first else send_result.outcome.remote_url


def _record(send_result: SendResult) -> bool:
    """Store one ending that is not an accepted tweet; True to claim it again at once."""
    handlers: dict[OutcomeKind, Callable[[SendResult], bool]] = {
        OutcomeKind.NOT_SENT: _not_sent,
        OutcomeKind.LATER: _later,
        OutcomeKind.REJECTED: _rejected,
        OutcomeKind.AUTH: _access_refused,
        OutcomeKind.HOLD: _app_refused,
        OutcomeKind.AMBIGUOUS: _ambiguous,
    }
    again = handlers[send_result.outcome.kind](send_result)
    _close_attempt(send_result.claim, send_result.outcome)
    db.session.commit()
    return again


def _not_sent(send_result: SendResult) -> bool:
    """Try again, less and less often; soon when it was only this machine that was slow."""
    wait = send_result.outcome.retry_after
    if wait is None:
        wait = min(MAX_RETRY_SECONDS, 2.0 ** min(_count_of(Delivery.tries, send_result.claim), 10))
    _back(send_result, wait, tries=Delivery.tries + 1)
    return False


def _later(send_result: SendResult) -> bool:
    outcome = send_result.outcome
    if outcome.code == "pictures_gone":
        return _pictures_gone(send_result)
    if not _is_fresh(send_result):
        return _back(send_result, 0)
    if outcome.scope == Scope.NETWORK and outcome.retry_after is not None:
        wait = outcome.retry_after
        holds.pause_network(send_result.network, wait)
    else:
        wait = holds.pause_account(send_result.claim.account_id, outcome.retry_after)
    _back(send_result, wait)
    return False


def _pictures_gone(send_result: SendResult) -> bool:
    """Upload them again; when that did not help either, it is a no."""
    claim = send_result.claim
    if not _is_fresh(send_result):  # the pictures may be others by now
        return _back(send_result, 0)
    uploads = delete(Upload).where(
        Upload.delivery_id == claim.job_id, Upload.picture_id.in_(claim.pictures)
    )
    rows_changed(uploads)
    before = db.select(db.func.count(Attempt.id)).where(
        Attempt.delivery_id == claim.job_id,
        Attempt.part == claim.part,
        Attempt.code == send_result.outcome.code,
    )
    if (db.session.scalar(before) or 0) >= FORGETTING:
        _fail(send_result)
    else:
        _back(send_result, send_result.outcome.retry_after or 0)
    return False


def _rejected(send_result: SendResult) -> bool:
    if send_result.outcome.is_duplicate and _count_of(Delivery.resends, send_result.claim):
        _unconfirm(send_result, "echoed", echoed=True)
        return False
    if send_result.outcome.code == "pictures_gone":
        return _pictures_gone(send_result)
    if send_result.outcome.pause_for is not None and _is_fresh(send_result):
        holds.pause_account(send_result.claim.account_id, send_result.outcome.pause_for)
    _fail(send_result)
    return False


def _fail(send_result: SendResult) -> None:
    _move(
        send_result.claim,
        UNDER_WAY,
        state=State.FAILED,
        next_at=None,
        finished_at=from_now(),
        first_sent_at=_UNLESS_RESENT,
        error_code=send_result.outcome.code,
        error_detail=send_result.outcome.detail,
    )


def _access_refused(send_result: SendResult) -> bool:
    """The first refusal asks for a refresh, when there is one; the second ends the access.

    A refusal of credentials that were replaced meanwhile says nothing about the new ones.
    """
    account_id, version = send_result.claim.account_id, send_result.access_version
    account = db.session.get_one(Account, account_id, populate_existing=True)
    network = current_app.extensions["networks"][send_result.network]
    refusals = _count_of(Delivery.refusals, send_result.claim)
    if network.can_refresh(account.credentials) and refusals == 0:
        refused = holds.doubt_access(account_id, version)
        return _back(send_result, 0, refusals=1 if refused else 0)
    if not holds.hold_account(account_id, version, send_result.outcome.detail):
        return _back(send_result, 0)
    _hold(send_result, HoldReason.RECONNECT)
    return False


def _app_refused(send_result: SendResult) -> bool:
    if not _is_fresh(send_result):
        return _back(send_result, 0)
    holds.stop_network(
        send_result.network, send_result.outcome.code or "", send_result.outcome.detail
    )
    _hold(send_result, HoldReason.NETWORK)
    holds.hold_network_rows(send_result.network)
    return False


def _ambiguous(send_result: SendResult) -> bool:
    _unconfirm(send_result)
    return False


def _unconfirm(send_result: SendResult, code: str | None = None, **values: Any) -> None:
    _move(
        send_result.claim,
        (State.SENDING,),
        state=State.UNCONFIRMED,
        lookups=0,
        unconfirmed_at=from_now(),
        next_at=from_now(current_app.config["RECONCILE_DELAYS"][0]),
        error_code=code or send_result.outcome.code,
        error_detail=send_result.outcome.detail,
        **values,
    )


def _hold(send_result: SendResult, reason: HoldReason) -> None:
    _move(
        send_result.claim,
        UNDER_WAY,
        state=State.HELD,
        hold_reason=reason,
        next_at=None,
        error_code=send_result.outcome.code,
        error_detail=send_result.outcome.detail,
    )


def _back(send_result: SendResult, wait: float, **values: Any) -> bool:
    """Only a definite "not now" may come here: nothing of it is at the network."""
    return bool(
        _move(
            send_result.claim,
            UNDER_WAY,
            state=State.SCHEDULED,
            wake_ups=0,
            not_before=from_now(wait),
            next_at=from_now(wait),
            first_sent_at=_UNLESS_RESENT,
            error_code=send_result.outcome.code,
            error_detail=send_result.outcome.detail,
            **values,
        )
    )


_UNLESS_RESENT = db.case((Delivery.resends > 0, Delivery.first_sent_at))
"""After a definite no, look-ups need not reach back to this call."""


def _is_fresh(send_result: SendResult) -> bool:
    """False when the lease is over: whoever slept so long may have heard it at any time."""
    mine = (Delivery.id == send_result.claim.job_id, Delivery.fence == send_result.claim.fence)
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
