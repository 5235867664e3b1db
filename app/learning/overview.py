"""How learning from an account goes: what is read, what it costs, what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app import background
from app.db import db
from app.learning import allowance
from app.learning.consent import USUAL_CAPS, network_of
from app.learning.importing import KIND
from app.models import Account, BackgroundTask, Learning, ReadingList
from app.networks import ReadKind

OFF, NEEDS_CONSENT, IMPORTING, ON = "off", "needs_consent", "importing", "on"


@dataclass(frozen=True, slots=True)
class Used:
    """What was read in a month."""

    month: str
    by_kind: Mapping[ReadKind, int]
    usd: float | None
    """None where reading is free."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Of one account."""

    account: Account
    state: str
    """OFF, NEEDS_CONSENT, IMPORTING or ON."""
    can_read: Sequence[str]
    reads: Sequence[str]
    caps: Mapping[str, int] | None
    """None where reading is free, like ``estimate_usd``: the most that a month can cost."""
    estimate_usd: float | None
    used: Used
    found: Mapping[str, int]
    last_run_at: datetime | None
    next_run_at: datetime | None
    error_code: str | None


def of_account(account: Account) -> Overview:
    """Return the overview of one account."""
    return of_accounts([account])[0]


def of_accounts(accounts: Sequence[Account]) -> list[Overview]:
    """Return an overview of each account, in three queries."""
    ids = [account.id for account in accounts]
    fresh = {"populate_existing": True}
    rows = db.select(Learning).where(Learning.account_id.in_(ids)).execution_options(**fresh)
    learnings = {row.account_id: row for row in db.session.scalars(rows)}
    lists: dict[int, list[ReadingList]] = {account_id: [] for account_id in ids}
    found = db.select(ReadingList).where(ReadingList.account_id.in_(ids))
    for row in db.session.scalars(found.execution_options(**fresh)):
        lists[row.account_id].append(row)
    tasks = background.at_intervals(KIND, [str(one) for one in learnings])
    return [
        _overview(one, learnings.get(one.id), lists[one.id], tasks.get(str(one.id)))
        for one in accounts
    ]


def _overview(
    account: Account,
    learning: Learning | None,
    rows: Sequence[ReadingList],
    task: BackgroundTask | None,
) -> Overview:
    network = network_of(account)
    lists = {row.kind: row for row in rows if row.kind in network.reads}
    usual = USUAL_CAPS if network.read_prices else dict.fromkeys(network.reads)
    caps = {kind: lists[kind].cap if kind in lists else usual[kind] for kind in network.reads}
    reads = [
        kind for kind in network.reads if (lists[kind].wanted if kind in lists else caps[kind] != 0)
    ]
    month, prices = allowance.this_month(), network.read_prices
    used = {
        kind: allowance.used_in(lists[kind], month) if kind in lists else 0 for kind in ReadKind
    }
    cost = round(sum(count * prices.get(kind, 0) for kind, count in used.items()), 3)
    most = round(sum((caps[kind] or 0) * prices.get(kind, 0) for kind in reads), 3)
    state = _state(learning, task)
    return Overview(
        account=account,
        state=state,
        can_read=network.reads,
        reads=reads,
        caps={kind: cap or 0 for kind, cap in caps.items()} if prices else None,
        estimate_usd=most if prices else None,
        used=Used(month, used, cost if prices else None),
        found={kind: lists[kind].found if kind in lists else 0 for kind in ReadKind},
        last_run_at=learning.last_run_at if learning else None,
        next_run_at=task.next_at if task and state == ON else None,
        error_code=learning.error_code if learning and state != OFF else None,
    )


def _state(learning: Learning | None, task: BackgroundTask | None) -> str:
    if learning is None or not learning.enabled:
        return OFF
    if learning.needs_consent:
        return NEEDS_CONSENT
    return IMPORTING if task and background.is_under_way(task) else ON
