"""Records the outcomes of create calls, and what follows from them.

State and fence guard each write. A worker that comes back after its lease changes nothing, and its
answer is too old to say anything about an account or a network. One exception: what the network
accepted becomes published, whatever happened to the row since (looked up, given up, cancelled),
unless another call for it is being made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from flask import current_app
from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    Integer,
    String,
    Update,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from app import broker
from app.accounts import holds
from app.backoff import backoff_seconds
from app.db import (
    BuiltStatement,
    db,
    from_now,
    given_rows,
    id_in,
    is_transient,
    moment_before,
    retry_transient,
    rows_changed,
    table_given,
)
from app.delivery.claims import Claim
from app.delivery.threads import is_next, posted_as
from app.models import Account, Attempt, Delivery, Upload, transitions
from app.networks import Outcome, OutcomeKind, Scope, http
from app.states import HoldReason, State

log = logging.getLogger(__name__)

MAX_RETRY_SECONDS = 300.0
"""The longest back-off of a delivery that could not be sent."""
MAX_UPLOADS = 2
"""How many times pictures are uploaded again after the network has lost them."""
ACCEPTED: Mapping[str, TypeEngine[Any]] = {
    "job_id": String(),
    "fence": Integer(),
    "remote_id": String(),
    "remote_url": String(),
    "age_ms": BigInteger(),
    "request_id": String(),
    "http_status": Integer(),
    "is_whole": Boolean(),
}
"""What is passed of each accepted tweet to statements about many; no part of a thread is whole."""


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
    """A call that raised. No call should; the row stays as it is until its lease ends."""

    claim: Claim


def record_accepted(results: Sequence[SendResult]) -> list[SendResult]:
    """Publish the rows of accepted tweets and close their attempts; repeats while the database
    is away.

    It uses one statement for all. When that fails, it stores each alone, so that one bad row does
    not stop the others.

    :returns: those that the database refuses in any form: they are looked up like lost ones.
    """
    try:
        retry_transient(lambda: _store(results))
    except Exception as error:
        if is_transient(error):
            raise
        return [result for result in results if not _is_stored_alone(result)]
    return []


def _is_stored_alone(result: SendResult) -> bool:
    """Store one result; if the network's text prevents that, store it without the text."""
    bare = replace(result.outcome, remote_url=None, request_id=None, detail=None)
    for tried in (result, replace(result, outcome=bare)):
        try:
            retry_transient(partial(_store_taking_back, tried))
        except Exception as error:
            if is_transient(error):
                raise
            reason = type(error).__name__
            log.error(
                "job %s was accepted and cannot be stored: %s",
                result.claim.job_id,
                reason,
                extra={"job_id": result.claim.job_id},
            )
        else:
            return True
    return False


def seconds_since(outcome: Outcome) -> float:
    """Seconds since the answer came, to be subtracted from the database's current time."""
    return 0 if outcome.answered_at is None else http.boottime() - outcome.answered_at


def _store(results: Sequence[SendResult]) -> None:
    threads = [result for result in results if result.claim.parts > 1]
    continued = {result.claim.job_id for result in threads if _continue(result)}
    stored = continued | _publish_all(results)
    for result in results:
        if result.claim.job_id not in stored:
            log.error(
                "job %s was accepted after its claim was gone",
                result.claim.job_id,
                extra={"job_id": result.claim.job_id},
            )


def _publish_all(results: Sequence[SendResult]) -> set[str]:
    """Publish the rows of all that are no threads, close the attempts, reset the doubling waits of
    accounts, pause those whose allowance is used up, and commit.

    On PostgreSQL that is one message where no allowance is used up.

    :returns: the ids of the published rows.
    """
    proven = {(result.claim.account_id,) for result in results}
    accepted = {"accepted": given_rows([_as_row(result) for result in results])}
    accounts = {"proven": given_rows(sorted(proven))}
    used_up = [result for result in results if result.outcome.pause_for is not None]
    if db.engine.dialect.name != "postgresql":
        rows = _publishing().run(accepted)
        _closing().run(accepted)
        _proving().run(accounts)
    elif used_up:
        rows = _doing_all().run({**accepted, **accounts})
    else:
        return {row.id for row in _doing_all().run_and_commit({**accepted, **accounts})}
    for result in used_up:
        left = max(0.0, (result.outcome.pause_for or 0) - seconds_since(result.outcome))
        holds.pause_account(result.claim.account_id, left)
    db.session.commit()
    return {row.id for row in rows}


def _continue(result: SendResult) -> bool:
    """Record a published part of a thread; schedule the next part, or publish the delivery."""
    claim, outcome = result.claim, result.outcome
    _take_back(result)  # before it is stored: only the first part's id is unique by itself
    posted = [
        *claim.posted,
        posted_as(outcome.remote_id, outcome.remote_url, outcome.reference),
    ]
    accepted_at = from_now(-seconds_since(outcome))
    awaited = _is_awaited(claim)
    return bool(rows_changed(transitions.accept_part(posted, claim.parts, accepted_at, *awaited)))


def _is_awaited(claim: Claim) -> tuple[Any, ...]:
    """Return the conditions under which an answer, even a late one, may still change the row."""
    return (
        Delivery.id == claim.job_id,
        or_(Delivery.fence == claim.fence, Delivery.state.in_(transitions.NOT_UNDER_WAY)),
        Delivery.state != State.PUBLISHED,
        is_next(claim.part),
    )


def _as_row(result: SendResult) -> tuple[Any, ...]:
    claim, outcome = result.claim, result.outcome
    age_ms = round(1000 * seconds_since(outcome))
    told = (outcome.remote_id, outcome.remote_url, age_ms, outcome.request_id, outcome.http_status)
    return (claim.job_id, claim.fence, *told, claim.parts == 1)


@cache
def _doing_all() -> BuiltStatement:
    """Return one statement for all; SQLite has no changes within a statement."""
    rows = table_given("accepted", ACCEPTED)
    closed, proven = _close(rows).cte("closed_attempts"), _prove().cte("proven_accounts")
    return BuiltStatement(_publish(rows).add_cte(closed, proven))


@cache
def _publishing() -> BuiltStatement:
    return BuiltStatement(_publish(table_given("accepted", ACCEPTED)))


@cache
def _closing() -> BuiltStatement:
    return BuiltStatement(_close(table_given("accepted", ACCEPTED)))


@cache
def _proving() -> BuiltStatement:
    return BuiltStatement(_prove())


def _publish(rows: CTE) -> Any:
    whole = select(rows).where(rows.c.is_whole).cte("whole")
    return transitions.accept_all(whole).returning(Delivery.id)


def _close(rows: CTE) -> Update:
    these = (Attempt.delivery_id == rows.c.job_id, id_in(Attempt.delivery_id, rows.c.job_id))
    return (
        update(Attempt)
        .where(*these, Attempt.fence == rows.c.fence)
        .values(
            ended_at=moment_before(rows.c.age_ms),
            outcome=OutcomeKind.OK,
            http_status=rows.c.http_status,
            request_id=rows.c.request_id,
        )
    )


def _prove() -> Update:
    proven = table_given("proven", {"account_id": Integer()})
    meant = id_in(Account.id, proven.c.account_id)
    return update(Account).where(meant, Account.pauses > 0).values(pauses=0)


def _store_taking_back(result: SendResult) -> None:
    _take_back(result)
    _store([result])


def _take_back(result: SendResult) -> None:
    """Correct a look-up that gave the post to another row: the network's answer wins.

    If the other row is a thread, its owner is asked: a look-up cannot tell which part is missing.
    """
    awaited = db.select(Delivery.id).where(*_is_awaited(result.claim))
    if db.session.scalar(awaited) is None:
        return  # it was sent again, and goes by what that was called
    is_thread = ~is_next(0)
    known = [posted["remote_id"] for posted in result.claim.posted]
    rows_changed(
        transitions.take_back(
            is_thread,
            current_app.config["RECONCILE_DELAYS"][0],
            Delivery.account_id == result.claim.account_id,
            Delivery.remote_id.in_([*known, result.outcome.remote_id]),
            Delivery.id != result.claim.job_id,
        )
    )


def record_results(results: Sequence[SendResult]) -> list[str]:
    """Store every result; return the ids that should be claimed again at once.

    It retries while the database restarts. Rows that cannot be stored are settled when their lease
    ends.
    """
    accepted = [result for result in results if result.outcome.kind == OutcomeKind.OK]
    others = [result for result in results if result.outcome.kind != OutcomeKind.OK]
    unstored = record_accepted(accepted) if accepted else []
    told = [result for result in results if result not in unstored]
    others += [_as_lost(result) for result in unstored]
    again = [result.claim.job_id for result in others if _asks_for_another(result)]
    again += [
        result.claim.job_id
        for result in told
        if result.outcome.kind == OutcomeKind.OK and not result.claim.is_last
    ]
    broker.store_results(_results(told))
    return again


def _as_lost(result: SendResult) -> SendResult:
    """Have accepted tweets that cannot be stored looked up; they are never simply sent again."""
    outcome = result.outcome
    lost = Outcome(
        OutcomeKind.AMBIGUOUS,
        "garbled_answer",
        http_status=outcome.http_status,
        answered_at=outcome.answered_at,
    )
    return replace(result, outcome=lost)


def _asks_for_another(result: SendResult) -> bool:
    """Store one result; True to claim it again at once.

    If the network's text prevents that, store it without the text. If that fails too, the row
    stays as it is until its lease ends.
    """
    bare = replace(result.outcome, detail=None, request_id=None)
    for tried in (result, replace(result, outcome=bare)):
        try:
            return retry_transient(partial(_record, tried))
        except Exception as error:
            if is_transient(error):
                raise
            reason = type(error).__name__
            log.error(
                "the result of job %s cannot be stored: %s",
                result.claim.job_id,
                reason,
                extra={"job_id": result.claim.job_id},
            )
    return False


def _results(results: Sequence[SendResult]) -> list[tuple[str, str, Any]]:
    """Return what AsyncResult reports for the jobs that have ended."""
    published = [
        (result.claim.job_id, broker.SUCCESS, _url_of(result))
        for result in results
        if result.outcome.kind == OutcomeKind.OK and result.claim.is_last
    ]
    refused = [result for result in results if result.outcome.kind == OutcomeKind.REJECTED]
    failed = retry_transient(lambda: _failed_of(refused)) if refused else []
    return [*published, *((job_id, broker.FAILURE, RuntimeError(code)) for job_id, code in failed)]


def _failed_of(results: Sequence[SendResult]) -> list[tuple[str, str | None]]:
    """Return the jobs among these that have failed, and why; others may have gone on."""
    its_ids = [result.claim.job_id for result in results]
    failed = (Delivery.id.in_(its_ids), Delivery.state == State.FAILED)
    rows = db.session.execute(db.select(Delivery.id, Delivery.error_code).where(*failed)).all()
    db.session.commit()
    return [(row.id, row.error_code) for row in rows]


def _url_of(result: SendResult) -> str | None:
    first = next(iter(result.claim.posted), None)
    return first["remote_url"] if first else result.outcome.remote_url


def _record(result: SendResult) -> bool:
    """Store one result that is not an accepted tweet; True to claim it again at once."""
    handlers: dict[OutcomeKind, Callable[[SendResult], bool]] = {
        OutcomeKind.NOT_SENT: _not_sent,
        OutcomeKind.LATER: _later,
        OutcomeKind.REJECTED: _rejected,
        OutcomeKind.AUTH: _access_refused,
        OutcomeKind.HOLD: _app_refused,
        OutcomeKind.AMBIGUOUS: _ambiguous,
    }
    again = handlers[result.outcome.kind](result)
    _close_attempt(result.claim, result.outcome)
    db.session.commit()
    return again


def _not_sent(result: SendResult) -> bool:
    """Schedule a retry, later each time; but soon when only this machine was too slow."""
    wait = result.outcome.retry_after
    if wait is None:
        wait = backoff_seconds(_count_of(Delivery.tries, result.claim), MAX_RETRY_SECONDS)
    _back(result, wait, tries=Delivery.tries + 1)
    return False


def _later(result: SendResult) -> bool:
    outcome = result.outcome
    if outcome.code == "pictures_gone":
        return _pictures_gone(result)
    if not _is_fresh(result):
        return _back(result, 0)
    if outcome.scope == Scope.NETWORK and outcome.retry_after is not None:
        wait = outcome.retry_after
        holds.pause_network(result.network, wait)
    else:
        wait = holds.pause_account(result.claim.account_id, outcome.retry_after)
    _back(result, wait)
    return False


def _pictures_gone(result: SendResult) -> bool:
    """Have lost pictures uploaded again; after too many tries the delivery fails."""
    claim = result.claim
    if not _is_fresh(result):  # the tweet may have other pictures now
        return _back(result, 0)
    uploads = delete(Upload).where(
        Upload.delivery_id == claim.job_id, Upload.picture_id.in_(claim.pictures)
    )
    rows_changed(uploads)
    before = db.select(db.func.count(Attempt.id)).where(
        Attempt.delivery_id == claim.job_id,
        Attempt.part == claim.part,
        Attempt.code == result.outcome.code,
    )
    if (db.session.scalar(before) or 0) >= MAX_UPLOADS:
        _fail(result)
    else:
        _back(result, result.outcome.retry_after or 0)
    return False


def _rejected(result: SendResult) -> bool:
    if result.outcome.is_duplicate and _count_of(Delivery.resends, result.claim):
        _unconfirm(result, "echoed", echoed=True)
        return False
    if result.outcome.code == "pictures_gone":
        return _pictures_gone(result)
    if result.outcome.pause_for is not None and _is_fresh(result):
        holds.pause_account(result.claim.account_id, result.outcome.pause_for)
    _fail(result)
    return False


def _fail(result: SendResult) -> None:
    outcome = result.outcome
    rows_changed(transitions.fail(outcome.code, outcome.detail, *_mine(result.claim)))


def _access_refused(result: SendResult) -> bool:
    """Ask for a refresh after the first refusal, if possible; after the second, end the access.

    If the refused credentials were replaced since, the refusal says nothing about the new ones.
    """
    account_id, version = result.claim.account_id, result.access_version
    account = db.session.get_one(Account, account_id, populate_existing=True)
    network = current_app.extensions["networks"][result.network]
    refusals = _count_of(Delivery.refusals, result.claim)
    if network.can_refresh(account.credentials) and refusals == 0:
        refused = holds.doubt_access(account_id, version)
        return _back(result, 0, refusals=1 if refused else 0)
    if not holds.hold_account(account_id, version, result.outcome.detail):
        return _back(result, 0)
    _hold(result, HoldReason.RECONNECT)
    return False


def _app_refused(result: SendResult) -> bool:
    if not _is_fresh(result):
        return _back(result, 0)
    holds.stop_network(result.network, result.outcome.code or "", result.outcome.detail)
    _hold(result, HoldReason.NETWORK)
    holds.hold_network_rows(result.network)
    return False


def _ambiguous(result: SendResult) -> bool:
    _unconfirm(result)
    return False


def _unconfirm(result: SendResult, code: str | None = None, **more: Any) -> None:
    outcome, first_look_up = result.outcome, current_app.config["RECONCILE_DELAYS"][0]
    mine = _mine(result.claim)
    code = code or outcome.code
    rows_changed(transitions.unconfirm(first_look_up, code, outcome.detail, *mine, **more))


def _hold(result: SendResult, reason: HoldReason) -> None:
    outcome = result.outcome
    mine = _mine(result.claim)
    rows_changed(transitions.hold_refused(reason, outcome.code, outcome.detail, *mine))


def _back(result: SendResult, wait: float, **more: Any) -> bool:
    """Schedule it again. Only for a definite "not now": the network has not accepted it."""
    outcome, mine = result.outcome, _mine(result.claim)
    return bool(
        rows_changed(transitions.postpone(wait, outcome.code, outcome.detail, *mine, **more))
    )


def _is_fresh(result: SendResult) -> bool:
    """False when the lease is over: nobody knows how old the answer is."""
    mine = (Delivery.id == result.claim.job_id, Delivery.fence == result.claim.fence)
    still = db.select(Delivery.id).where(*mine, Delivery.lease_until > from_now())
    return db.session.scalar(still) is not None


def _count_of(column: Any, claim: Claim) -> int:
    return db.session.scalar(db.select(column).where(Delivery.id == claim.job_id)) or 0


def _mine(claim: Claim) -> tuple[Any, ...]:
    """Return the conditions that the claim is still the newest of its row."""
    return (Delivery.id == claim.job_id, Delivery.fence == claim.fence)


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
