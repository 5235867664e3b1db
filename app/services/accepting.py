"""Recording accepted tweets, many in one statement.

What the network accepted is published, whatever became of the row meanwhile (looked up, given up,
even cancelled), unless another call for it is under way. A part of a thread lets the next one go.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from flask import current_app
from sqlalchemy import CTE, BigInteger, Integer, String, or_, update
from sqlalchemy.types import TypeEngine

from app.bulk import table_of
from app.db import UTCDateTime, db, from_now, is_passing, patiently, rows_changed
from app.models import Account, Attempt, Delivery
from app.networks import http
from app.networks.base import Kind, Outcome
from app.services import holding
from app.services.claims import Claim
from app.services.continuing import changes, is_next, posted_as
from app.services.ending import Ending
from app.states import State

log = logging.getLogger(__name__)

UNSENT = set(State) - {State.SENDING, State.UNCONFIRMED, State.PUBLISHED}
"""Where a late answer may find a row of another claim without another call being under way."""


def record_accepted(endings: Sequence[Ending]) -> list[Ending]:
    """Publish the rows of accepted tweets and close their attempts; repeats while the database
    is away.

    All in one statement; when that fails, each by itself, so that none spoils the others.

    :returns: those that the database refuses in any form: they are looked for like lost ones.
    """
    try:
        patiently(lambda: _store(endings))
    except Exception as error:
        if is_passing(error):
            raise
        return [ending for ending in endings if not _is_stored_alone(ending)]
    return []


def _is_stored_alone(ending: Ending) -> bool:
    """Store one ending, without the network's words if it cannot be with them."""
    bare = replace(ending.outcome, remote_url=None, request_id=None, detail=None)
    for tried in (ending, replace(ending, outcome=bare)):
        try:
            patiently(partial(_store_taking_back, tried))
        except Exception as error:
            if is_passing(error):
                raise
            reason = type(error).__name__
            log.error("job %s was accepted and cannot be stored: %s", ending.claim.job_id, reason)
        else:
            return True
    return False


def seconds_since(outcome: Outcome) -> float:
    """Seconds since the answer came; the database's clock is read that much later."""
    return 0 if outcome.answered_at is None else http.suspend_clock() - outcome.answered_at


def _store(endings: Sequence[Ending]) -> None:
    rows = _as_rows(endings)
    published = _publish_all(endings, rows)
    db.session.execute(_close_attempts(rows), execution_options={"synchronize_session": False})
    _care_for_accounts(endings)
    db.session.commit()
    for ending in endings:
        if ending.claim.job_id not in published:
            log.error("job %s was accepted after its claim was gone", ending.claim.job_id)


def _publish_all(endings: Sequence[Ending], rows: CTE) -> set[str]:
    """Return the ids of the rows that were changed."""
    threads = [ending for ending in endings if ending.claim.parts > 1]
    if not threads:
        return set(db.session.scalars(_publish(rows)))
    whole = [ending for ending in endings if ending.claim.parts == 1]
    published = set(db.session.scalars(_publish(_as_rows(whole)))) if whole else set()
    return published | {ending.claim.job_id for ending in threads if _continue(ending)}


def _continue(ending: Ending) -> bool:
    """Store that a part of a thread is out, and schedule or publish what follows from it."""
    claim, outcome = ending.claim, ending.outcome
    _take_back(ending)  # before it is stored: only the first part's id is unique by itself
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


def _as_rows(endings: Sequence[Ending]) -> CTE:
    columns: dict[str, TypeEngine[Any]] = {
        "job_id": String(),
        "fence": Integer(),
        "remote_id": String(),
        "remote_url": String(),
        "age_ms": BigInteger(),
        "request_id": String(),
        "http_status": Integer(),
    }
    return table_of("accepted", columns, [_as_row(ending) for ending in endings])


def _as_row(ending: Ending) -> tuple[Any, ...]:
    claim, outcome = ending.claim, ending.outcome
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
            outcome=Kind.OK,
            http_status=rows.c.http_status,
            request_id=rows.c.request_id,
        )
    )


def _ago(rows: CTE) -> Any:
    return db.type_coerce(db.type_coerce(from_now(), BigInteger) - rows.c.age_ms, UTCDateTime)


def _care_for_accounts(endings: Sequence[Ending]) -> None:
    """An accepted tweet ends the doubling of waits, and may have used up an allowance."""
    proven = {ending.claim.account_id for ending in endings}
    rows_changed(update(Account).where(Account.id.in_(proven), Account.pauses > 0).values(pauses=0))
    for ending in endings:
        if ending.outcome.pause_for is not None:
            left = max(0.0, ending.outcome.pause_for - seconds_since(ending.outcome))
            holding.pause_account(ending.claim.account_id, left)


def _store_taking_back(ending: Ending) -> None:
    _take_back(ending)
    _store([ending])


def _take_back(ending: Ending) -> None:
    """A look-up for an equal text bound a post to another row: the network's answer wins.

    A thread that is taken back asks its owner: a look-up could not say which part is missing.
    """
    awaited = db.select(Delivery.id).where(*_is_awaited(ending.claim))
    if db.session.scalar(awaited) is None:
        return  # it was sent again, and goes by what that was called
    is_thread = ~is_next(0)
    first_look = from_now(current_app.config["RECONCILE_DELAYS"][0])
    known = [posted["remote_id"] for posted in ending.claim.posted]
    rows_changed(
        update(Delivery)
        .where(
            Delivery.account_id == ending.claim.account_id,
            Delivery.remote_id.in_([*known, ending.outcome.remote_id]),
            Delivery.id != ending.claim.job_id,
        )
        .values(
            state=db.case((is_thread, State.REVIEW), else_=State.UNCONFIRMED),
            remote_id=None,
            remote_url=None,
            accepted_at=None,
            finished_at=None,
            lookups=0,
            unconfirmed_at=from_now(),
            next_at=db.case((is_thread, None), else_=first_look),
        )
    )
