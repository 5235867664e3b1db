"""How each of a user's accounts is doing: what waits, what went out last, what went wrong last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_

from app.db import db, from_now, utcnow
from app.models import Account, Delivery, NetworkBlock
from app.states import State

WAITING = (State.SCHEDULED, State.HELD)
TRYING = (State.SCHEDULED, State.CLAIMED)
TROUBLED = (State.FAILED, State.REVIEW, State.UNCONFIRMED, State.HELD)


@dataclass(frozen=True, slots=True)
class Survey:
    """The state of one account, as its owner sees it."""

    account: Account
    waiting: int
    """Tweets that are scheduled or held."""
    last_post: Delivery | None
    last_trouble: Delivery | None
    """The newest delivery that failed, is in doubt, or has been tried in vain."""
    paused_until: datetime | None
    """Later than now: the account's own pause, or when its stopped network is asked again."""
    is_stopped: bool
    """The network refuses this whole app."""

    @property
    def is_silent(self) -> bool:
        """True while a tweet waits for a server that cannot be reached."""
        trouble = self.last_trouble
        return bool(trouble and trouble.state in TRYING and trouble.error_code == "unreachable")


def survey(accounts: Sequence[Account]) -> list[Survey]:
    """Return what there is to say about each of these accounts, in their order."""
    waiting = waiting_of([account.id for account in accounts])
    stops = {stop.network: stop for stop in db.session.scalars(db.select(NetworkBlock))}
    return [
        Survey(
            account,
            waiting.get(account.id, 0),
            _newest(account.id, Delivery.state == State.PUBLISHED, Delivery.accepted_at),
            _newest(account.id, _is_troubled(), _moment_of_trouble()),
            _paused_until(account, stops.get(account.network)),
            account.network in stops and stops[account.network].holds,
        )
        for account in accounts
    ]


def waiting_of(account_ids: Sequence[int]) -> dict[int, int]:
    """Return how many tweets wait for each of these accounts; those with none are left out."""
    rows = db.session.execute(
        db.select(Delivery.account_id, func.count())
        .where(Delivery.account_id.in_(account_ids), Delivery.state.in_(WAITING))
        .group_by(Delivery.account_id)
    )
    return {row[0]: row[1] for row in rows}


def moment_of(trouble: Delivery) -> datetime:
    """Return when this delivery last failed, as far as its row shows."""
    known = (trouble.finished_at, trouble.unconfirmed_at, trouble.first_sent_at)
    return next((moment for moment in known if moment is not None), trouble.due_at)


def _is_troubled() -> ColumnElement[bool]:
    tried = and_(Delivery.state.in_(TRYING), Delivery.error_code.is_not(None))
    return and_(Delivery.due_at <= from_now(), or_(Delivery.state.in_(TROUBLED), tried))


def _moment_of_trouble() -> Any:
    return func.coalesce(
        Delivery.finished_at, Delivery.unconfirmed_at, Delivery.first_sent_at, Delivery.due_at
    )


def _newest(account_id: int, condition: ColumnElement[bool], moment: Any) -> Delivery | None:
    mine = (Delivery.account_id == account_id, condition)
    wanted = db.select(Delivery).where(*mine).order_by(db.desc(moment)).limit(1)
    return db.session.scalar(wanted)


def _paused_until(account: Account, stop: NetworkBlock | None) -> datetime | None:
    """Return when the pause ends; for a stop without a known end, when the next probe is."""
    moments = [account.paused_until, stop.probe_at if stop else None]
    return max((m for m in moments if m is not None and m > utcnow()), default=None)
