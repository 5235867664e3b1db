"""Claims: deliveries that a worker holds under a lease, its intents, and the rows of lost workers.

Every transition is one conditional UPDATE; a worker whose UPDATE changes no row does nothing. The
fence counts claims: a worker that slept through its lease can neither send nor overwrite anything.
``LEASE`` in config.py says how long a lease lasts, in seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import (
    CTE,
    JSON,
    Integer,
    String,
    Update,
    bindparam,
    exists,
    or_,
    true,
)
from sqlalchemy.types import TypeEngine

from app.db import (
    BuiltStatement,
    db,
    from_now,
    given_rows,
    id_in,
    is_transient,
    retry_transient,
    rollback_quietly,
    rows_changed,
    table_given,
    table_of,
    unindexed,
)
from app.models import (
    IN_FLIGHT,
    Account,
    Attempt,
    Delivery,
    Health,
    NetworkBlock,
    contents_of,
    is_leaving,
    pause,
    transitions,
)
from app.networks import Body, Destination
from app.states import State

log = logging.getLogger(__name__)

MAX_LOOK_UP_REST_SECONDS = 900.0
"""The longest time for which a network may ask us not to make look-ups."""
MAX_NOTIFIED_SECONDS = 120.0
"""A row that workers were notified of is due again sooner than this."""
CLAIMS: Mapping[str, TypeEngine[Any]] = {"job_id": String(), "fence": Integer()}
ATTEMPTS: Mapping[str, TypeEngine[Any]] = {
    "delivery_id": String(),
    "fence": Integer(),
    "body": JSON(),
    "part": Integer(),
}
"""What is passed of each row to statements about many."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that only this worker may publish until the lease ends."""

    job_id: str
    fence: int
    account_id: int
    destination: Destination
    text: str
    written_at: datetime
    """When the delivery was created, in UTC. Unlike due_at, it never changes."""
    body: Body | None = None
    """The body sent before, if it may not have arrived. A resend must use the same body."""
    pictures: tuple[str, ...] = ()
    part: int = 0
    """The index of this part and the number of parts; the parts before it are in ``posted``."""
    parts: int = 1
    posted: tuple[Mapping[str, Any], ...] = ()
    user_id: int = 0
    """The id of the user who wrote the tweet."""
    language: str | None = None
    """The language that the author has chosen here; None when none was chosen."""
    visibility: str = ""
    """Who may see it, by the account owner's current choice; empty: the account's default."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What its owner has set for this tweet on this account, in the network's own names."""

    @property
    def key(self) -> tuple[str, int]:
        """A key that identifies this claim and no other."""
        return self.job_id, self.fence

    @property
    def is_last(self) -> bool:
        """True when this part is the last: publishing it completes the tweet."""
        return self.part + 1 >= self.parts


Claims = Sequence[Claim]
Intents = Sequence[tuple[Claim, Body]]
"""Claims whose calls are about to begin, with the exact bodies."""
Choose = Callable[[Claims], Intents]


def claims_of(taken: Sequence[str]) -> list[Claim]:
    """Return what these newly claimed deliveries publish next. The caller commits."""
    rows = _contents_of(taken)
    bodies = _bodies_of([row.id for row in rows if row.resends])
    return [_claim_of(row, bodies) for row in rows]


def _contents_of(taken: Sequence[str]) -> Sequence[Any]:
    return _contents().run({"job_ids": taken})


@cache
def _contents() -> BuiltStatement:
    tweets, users = db.metadata.tables["tweets"], db.metadata.tables["users"]
    return BuiltStatement(
        db.select(
            Delivery.id,
            Delivery.fence,
            Delivery.account_id,
            Delivery.resends,
            Delivery.parts.label("own"),
            Delivery.posted,
            Delivery.options,
            Delivery.created_at,
            tweets.c.text,
            tweets.c.parts,
            tweets.c.user_id,
            users.c.locale,
            Account.network,
            Account.host,
            Account.visibility,
        )
        .join(tweets, tweets.c.id == Delivery.tweet_id)
        .join(users, users.c.id == tweets.c.user_id)
        .join(Account, Account.id == Delivery.account_id)
        .where(id_in(Delivery.id, bindparam("job_ids")))
        .order_by(Delivery.due_at, Delivery.tweet_id)
    )


def _claim_of(row: Any, bodies: Mapping[tuple[str, int], Body]) -> Claim:
    network = current_app.extensions["networks"][row.network]
    contents = contents_of(row.text, row.parts, row.own, network.threads)
    part = len(row.posted)
    content = contents[min(part, len(contents) - 1)]
    return Claim(
        row.id,
        row.fence,
        row.account_id,
        Destination(row.network, row.host),
        content.text,
        row.created_at,
        bodies.get((row.id, part)),
        content.pictures,
        part,
        len(contents),
        tuple(row.posted),
        row.user_id,
        row.locale,
        row.visibility,
        row.options or {},
    )


def _bodies_of(job_ids: Sequence[str]) -> dict[tuple[str, int], Body]:
    """Return, for deliveries that are resent, the last body sent for each of their parts."""
    if not job_ids:
        return {}
    attempts = db.session.execute(
        db.select(Attempt.delivery_id, Attempt.part, Attempt.body)
        .where(id_in(Attempt.delivery_id, job_ids))
        .order_by(Attempt.id)
    )
    return {(row.delivery_id, row.part): row.body for row in attempts}


def claim_deliveries(job_ids: Sequence[str], owner: str) -> list[Claim]:
    """Take those of these deliveries that are due, scheduled and allowed to go; oldest first."""
    return retry_transient(lambda: _claim_deliveries(job_ids, owner))


def _claim_deliveries(job_ids: Sequence[str], owner: str) -> list[Claim]:
    claims = _take(transitions.claim, job_ids, owner)
    db.session.commit()
    return claims


def _take(transition: Callable[..., Update], job_ids: Sequence[str], owner: str) -> list[Claim]:
    rows = _taking(transition, current_app.config["LEASE"]).run(
        {"job_ids": list(job_ids), "worker": owner}
    )
    taken = [row.id for row in rows]
    # Read in the same transaction: an edit either came before the claim or is refused.
    return claims_of(taken) if taken else []


@cache
def _taking(transition: Callable[..., Update], lease: float) -> BuiltStatement:
    its_ids = id_in(Delivery.id, bindparam("job_ids"))
    taking = transition(bindparam("worker"), lease, its_ids, _account_may_send())
    return BuiltStatement(taking.returning(Delivery.id))


def claim_and_start(job_ids: Sequence[str], owner: str, choose: Choose) -> tuple[Intents, Claims]:
    """Claim deliveries like ``claim_deliveries``, and store intents in the same transaction.

    This is repeated while the database is unreachable. If a commit has happened all the same, the
    rows are no longer scheduled, so nothing is sent and their leases end. When the database refuses
    a statement, the deliveries are only claimed.

    :param choose: returns those of the claims whose calls begin at once, with their bodies. It
        runs in the transaction, so it must not commit, and may run again.
    :returns: the intents that were stored, and the claims without one.
    """
    try:
        return retry_transient(lambda: _claim_and_start(job_ids, owner, choose))
    except Exception as error:
        if is_transient(error):
            raise
        log.warning("intents cannot be stored together: %s", type(error).__name__)
        return [], claim_deliveries(job_ids, owner)


def _claim_and_start(job_ids: Sequence[str], owner: str, choose: Choose) -> tuple[Intents, Claims]:
    claims = _take(transitions.claim_and_start, job_ids, owner)
    going = choose(claims) if claims else []
    keys = {claim.key for claim, _ in going}
    waiting = [claim for claim in claims if claim.key not in keys]
    if waiting:  # before the attempts are stored
        _only_claiming().run(_mine_given(waiting, owner))
    if going:
        _open_attempts(going, owner)
    db.session.commit()
    return going, waiting


@cache
def _only_claiming() -> BuiltStatement:
    mine = _mine(table_given("claims", CLAIMS), bindparam("worker"))
    return BuiltStatement(transitions.only_claim(*mine))


def _of_its_account(*conditions: Any) -> Any:
    """Return the condition that these hold for a delivery's account.

    As a value that is looked up for each delivery: an EXISTS becomes a join, and PostgreSQL without
    statistics begins it with all accounts and reads all that they ever published.
    """
    its_account = db.select(true()).where(Account.id == Delivery.account_id, *conditions)
    return its_account.correlate(Delivery).scalar_subquery().is_(True)


def _account_may_send() -> Any:
    stopped = exists().where(
        NetworkBlock.network == Account.network,
        or_(NetworkBlock.holds, NetworkBlock.probe_at > from_now()),
    )
    return _of_its_account(
        Account.health == Health.OK,
        or_(Account.paused_until.is_(None), Account.paused_until <= from_now()),
        ~stopped,
        ~pause.is_paused(),
        ~is_leaving(),
    )


def store_intents(bodies: Sequence[tuple[Claim, Body]], owner: str) -> list[Claim]:
    """Store that these create calls are about to be made; return the claims that may go on.

    This is not retried when the database is unreachable, because the commit may have happened.
    Nothing is sent then, and the rows stay as they are until their lease ends. When the database
    refuses the statement, each intent is stored alone. What cannot be stored fails and is not sent.
    """
    try:
        return _store_intents(bodies, owner)
    except Exception as error:
        if is_transient(error):
            raise
        rollback_quietly()
        if len(bodies) == 1:
            claim = bodies[0][0]
            log.error(
                "job %s cannot be stored: %s",
                claim.job_id,
                type(error).__name__,
                extra={"job_id": claim.job_id},
            )
            retry_transient(lambda: _give_up(claim, owner))
            return []
    return [claim for body in bodies for claim in store_intents([body], owner)]


def _give_up(claim: Claim, owner: str) -> None:
    """Fail a delivery whose intent cannot be stored: a retry would fail in the same way."""
    _run(transitions.fail_unstored(*_still_mine([claim], owner)))


def _store_intents(bodies: Sequence[tuple[Claim, Body]], owner: str) -> list[Claim]:
    mine = _mine_given([claim for claim, _ in bodies], owner)
    started = _starting(current_app.config["LEASE"]).run(mine)
    intended = {(row.id, row.fence) for row in started}
    going = [(claim, body) for claim, body in bodies if claim.key in intended]
    if going:
        _open_attempts(going, owner)
    db.session.commit()
    return [claim for claim, _ in going]


@cache
def _starting(lease: float) -> BuiltStatement:
    mine = _mine(table_given("claims", CLAIMS), bindparam("worker"))
    starting = transitions.start_sending(
        lease, *mine, _of_its_account(~pause.is_paused(), ~is_leaving())
    )
    return BuiltStatement(starting.returning(Delivery.id, Delivery.fence))


def renew_lease(claim: Claim, owner: str) -> bool:
    """Start the lease again before a step that may take long; False when the lease is lost."""
    mine = (
        Delivery.id == claim.job_id,
        Delivery.fence == claim.fence,
        Delivery.owner == owner,
    )
    renewed = transitions.renew_lease(current_app.config["LEASE"], *mine)
    return bool(retry_transient(lambda: _run(renewed)))


def _still_mine(claims: Sequence[Claim], owner: str) -> tuple[Any, ...]:
    """Return the conditions that rows still belong to exactly these claims.

    The owner is not enough: a worker may claim a row again after it lost the first lease.
    """
    return _mine(table_of("claims", CLAIMS, [claim.key for claim in claims]), owner)


def _mine(rows: CTE, owner: Any) -> tuple[Any, ...]:
    return (
        Delivery.id == rows.c.job_id,
        id_in(Delivery.id, rows.c.job_id),
        unindexed(Delivery.fence == rows.c.fence, Delivery.owner == owner),
    )


def _mine_given(claims: Sequence[Claim], owner: str) -> dict[str, str]:
    return {"claims": given_rows([claim.key for claim in claims]), "worker": owner}


def _open_attempts(going: Intents, owner: str) -> None:
    values = [(claim.job_id, claim.fence, body, claim.part) for claim, body in going]
    _opening().run({"going": given_rows(values), "worker": owner})


@cache
def _opening() -> BuiltStatement:
    rows = table_given("going", ATTEMPTS)
    values = db.select(*rows.c, from_now(), bindparam("worker", type_=String))
    adding = db.insert(Attempt.__table__)
    return BuiltStatement(adding.from_select([*ATTEMPTS, "started_at", "worker"], values))


def destinations_of(job_ids: Sequence[str]) -> dict[str, Destination]:
    """Return the server of each of these deliveries; unknown ids are left out."""
    if not job_ids:
        return {}
    found = db.session.execute(
        db.select(Delivery.id, Account.network, Account.host)
        .join(Account, Account.id == Delivery.account_id)
        .where(id_in(Delivery.id, job_ids))
    ).all()
    db.session.commit()
    return {row.id: Destination(row.network, row.host) for row in found}


def release_claims(claims: Sequence[Claim], owner: str, after: float = 0) -> None:
    """Return unsent claimed deliveries to the schedule, due after the given seconds."""
    if claims:
        released = transitions.release_claim(after, *_still_mine(claims, owner))
        retry_transient(lambda: _run(released))


def expire_leases() -> None:
    """Settle rows of lost workers: claimed becomes scheduled, sending becomes unconfirmed."""
    over = (IN_FLIGHT, Delivery.next_at <= from_now(), Delivery.lease_until <= from_now())
    if _lost().read({}):
        _run(transitions.release_claim(0, *over))
        _run(transitions.expire_send(current_app.config["RECONCILE_DELAYS"][0], *over))


def undo_clock_step() -> None:
    """Wake up rows whose next_at is too far ahead: the database's clock was set back.

    Tweets of next year are as far ahead. They only wait for their time, so they are not in flight.
    """
    lease = current_app.config["LEASE"] + 60
    look_up = max(*current_app.config["RECONCILE_DELAYS"], MAX_LOOK_UP_REST_SECONDS) + lease
    if not _ahead(min(lease, MAX_NOTIFIED_SECONDS)).read({}):
        return
    due = Delivery.not_before <= from_now()
    _run(transitions.end_leases_now(IN_FLIGHT, Delivery.next_at > from_now(lease)))
    too_far = (IN_FLIGHT, Delivery.next_at > from_now(look_up))
    _run(transitions.wake_up_now(State.UNCONFIRMED, *too_far))
    too_far = (IN_FLIGHT, Delivery.next_at > from_now(MAX_NOTIFIED_SECONDS))
    _run(transitions.wake_up_now(State.SCHEDULED, due, *too_far))


@cache
def _lost() -> BuiltStatement:
    return _in_flight(Delivery.next_at <= from_now(), Delivery.lease_until <= from_now())


@cache
def _ahead(seconds: float) -> BuiltStatement:
    return _in_flight(Delivery.next_at > from_now(seconds))


def _in_flight(*conditions: Any) -> BuiltStatement:
    """Return the query for a delivery in flight like this.

    In the order of the index: PostgreSQL cannot know how few rows are in flight. Without an order
    it expects to meet one soon, wherever it begins to read.
    """
    found = db.select(Delivery.id).where(IN_FLIGHT, *conditions)
    return BuiltStatement(found.order_by(Delivery.next_at).limit(1))


def _run(statement: Update) -> int:
    """Run and commit one transition; return how many rows it moved."""
    changed = rows_changed(statement)
    db.session.commit()
    return changed
