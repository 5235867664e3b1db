"""Taking deliveries for one worker, handing them back, and what becomes of a lost worker's.

Every move is one conditional UPDATE; whoever changes no row does nothing. The fence counts
claims, so that a worker which slept through its lease can neither send nor overwrite.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import JSON, Integer, String, exists, or_, update
from sqlalchemy.types import TypeEngine

from app.bulk import among, provided, table_of
from app.db import abandon, db, from_now, is_passing, patiently, rows_changed
from app.models import Account, Attempt, Delivery, Health, NetworkStop
from app.networks.base import Body
from app.services.claims import Claim, claims_of
from app.states import State

LONGEST_REST = 900.0
"""Seconds for which a network may ask look-ups to stay away."""
log = logging.getLogger(__name__)


class Destination(NamedTuple):
    """A server that may be slow or silent by itself; "" where the network has only one."""

    network: str
    host: str


def claim(job_ids: Sequence[str], owner: str) -> list[Claim]:
    """Take those of these deliveries that are due, scheduled and allowed to go; oldest first."""
    return patiently(lambda: _claim(job_ids, owner))


def _claim(job_ids: Sequence[str], owner: str) -> list[Claim]:
    lease = current_app.config["LEASE"]
    statement = (
        update(Delivery)
        .where(
            among(Delivery.id, job_ids),
            provided(Delivery.state == State.SCHEDULED, Delivery.not_before <= from_now()),
            _account_may_send(),
        )
        .values(
            state=State.CLAIMED,
            fence=Delivery.fence + 1,
            owner=owner,
            lease_until=from_now(lease),
            next_at=from_now(lease),
        )
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    taken = list(db.session.scalars(statement))
    # Read in the same transaction: an edit either came before the claim or is refused.
    claims = claims_of(taken) if taken else []
    db.session.commit()
    return claims


def _account_may_send() -> Any:
    stopped = exists().where(
        NetworkStop.network == Account.network,
        or_(NetworkStop.holds, NetworkStop.probe_at > from_now()),
    )
    return exists().where(
        Account.id == Delivery.account_id,
        Account.health == Health.OK,
        or_(Account.paused_until.is_(None), Account.paused_until <= from_now()),
        ~stopped,
    )


def intend(bodies: Sequence[tuple[Claim, Body]], owner: str) -> list[Claim]:
    """Store that these create calls are about to be made; return the claims that may go on.

    Not repeated when the database is away: the commit may have happened all the same, so nothing
    is sent and the rows are left to their lease. When it refuses a statement, each is stored by
    itself, and what cannot be stored is not sent: it has failed.
    """
    try:
        return _intend(bodies, owner)
    except Exception as error:
        if is_passing(error):
            raise
        abandon()
        if len(bodies) == 1:
            claim = bodies[0][0]
            log.error("job %s cannot be stored: %s", claim.job_id, type(error).__name__)
            patiently(lambda: _give_up(claim, owner))
            return []
    return [claim for body in bodies for claim in intend([body], owner)]


def _give_up(claim: Claim, owner: str) -> None:
    """Nothing was sent, and nothing would be at the next try either."""
    _update(
        [*_still_mine([claim], owner), Delivery.state == State.CLAIMED],
        state=State.FAILED,
        next_at=None,
        finished_at=from_now(),
        owner=None,
        lease_until=None,
        error_code="not_stored",
        error_detail=None,
    )


def _intend(bodies: Sequence[tuple[Claim, Body]], owner: str) -> list[Claim]:
    lease = current_app.config["LEASE"]
    statement = (
        update(Delivery)
        .where(
            *_still_mine([claim for claim, _ in bodies], owner),
            provided(Delivery.state == State.CLAIMED, Delivery.lease_until > from_now()),
        )
        .values(
            state=State.SENDING,
            attempts=Delivery.attempts + 1,
            first_sent_at=db.func.coalesce(Delivery.first_sent_at, from_now()),
            lease_until=from_now(lease),
            next_at=from_now(lease),
        )
        .returning(Delivery.id, Delivery.fence)
        .execution_options(synchronize_session=False)
    )
    intended = {(row.id, row.fence) for row in db.session.execute(statement)}
    going = [(claim, body) for claim, body in bodies if claim.key in intended]
    if going:
        db.session.execute(_open_attempts(going))
    db.session.commit()
    return [claim for claim, _ in going]


def renew(claim: Claim, owner: str) -> bool:
    """Begin the lease anew before something that may take long; False when it is lost."""
    lease = from_now(current_app.config["LEASE"])

    def store() -> bool:
        statement = (
            update(Delivery)
            .where(
                Delivery.id == claim.job_id,
                Delivery.fence == claim.fence,
                Delivery.owner == owner,
                Delivery.state == State.CLAIMED,
                Delivery.lease_until > from_now(),
            )
            .values(lease_until=lease, next_at=lease)
        )
        renewed = rows_changed(statement)
        db.session.commit()
        return bool(renewed)

    return patiently(store)


def _still_mine(claims: Sequence[Claim], owner: str) -> tuple[Any, ...]:
    """Return the conditions that rows belong to these very claims.

    The owner alone does not say so: a worker that overslept its lease may claim a row again.
    """
    columns: dict[str, TypeEngine[Any]] = {"job_id": String(), "fence": Integer()}
    rows = table_of("claims", columns, [claim.key for claim in claims])
    return (
        Delivery.id == rows.c.job_id,
        provided(Delivery.fence == rows.c.fence, Delivery.owner == owner),
    )


def _open_attempts(going: Sequence[tuple[Claim, Body]]) -> Any:
    columns: dict[str, TypeEngine[Any]] = {
        "delivery_id": String(),
        "fence": Integer(),
        "body": JSON(),
        "part": Integer(),
    }
    values = [(claim.job_id, claim.fence, body, claim.part) for claim, body in going]
    rows = table_of("going", columns, values)
    return db.insert(Attempt.__table__).from_select(
        [*columns, "started_at"], db.select(*rows.c, from_now())
    )


def by_destination(job_ids: Sequence[str]) -> dict[Destination, list[str]]:
    """Sort ids by where their deliveries go, in the order given."""
    found = db.session.execute(
        db.select(Delivery.id, Account.network, Account.host)
        .join(Account, Account.id == Delivery.account_id)
        .where(among(Delivery.id, job_ids))
    ).all()
    db.session.commit()
    destination_of = {row.id: Destination(row.network, row.host) for row in found}
    sorted_ids: dict[Destination, list[str]] = {}
    for job_id in job_ids:
        if job_id in destination_of:
            sorted_ids.setdefault(destination_of[job_id], []).append(job_id)
    return sorted_ids


def give_back(claims: Sequence[Claim], owner: str, after: float = 0) -> None:
    """Return claimed deliveries, of which nothing was sent, to the schedule in some seconds."""
    if claims:
        patiently(lambda: _back_to_schedule(_still_mine(claims, owner), after))


def expire_leases() -> None:
    """Settle what lost workers left: a claim goes back, a send may have been accepted."""
    over = (Delivery.next_at <= from_now(), Delivery.lease_until <= from_now())
    _back_to_schedule(over, after=0)
    first_look = current_app.config["RECONCILE_DELAYS"][0]
    _update(
        [Delivery.state == State.SENDING, *over],
        state=State.UNCONFIRMED,
        error_code="worker_lost",
        owner=None,
        lease_until=None,
        lookups=0,
        unconfirmed_at=from_now(),
        next_at=from_now(first_look),
    )


def undo_clock_step() -> None:
    """Free rows whose lease or look-up lies further ahead than any may: the clock stepped back."""
    longest = current_app.config["LEASE"] + 60
    _update(
        [
            Delivery.state.in_((State.CLAIMED, State.SENDING)),
            Delivery.next_at > from_now(longest),
        ],
        lease_until=from_now(),
        next_at=from_now(),
    )
    longest = max(*current_app.config["RECONCILE_DELAYS"], LONGEST_REST) + 60
    longest += current_app.config["LEASE"]
    _update(
        [Delivery.state == State.UNCONFIRMED, Delivery.next_at > from_now(longest)],
        next_at=from_now(),
    )
    _update(
        [
            Delivery.state == State.SCHEDULED,
            Delivery.not_before <= from_now(),
            Delivery.next_at > from_now(120),
        ],
        next_at=from_now(),
    )


def _back_to_schedule(conditions: Iterable[Any], after: float) -> None:
    _update(
        [Delivery.state == State.CLAIMED, *conditions],
        state=State.SCHEDULED,
        rings=0,
        owner=None,
        lease_until=None,
        not_before=from_now(after),
        next_at=from_now(after),
    )


def _update(conditions: Iterable[Any], **values: Any) -> None:
    rows_changed(update(Delivery).where(*conditions).values(values))
    db.session.commit()
