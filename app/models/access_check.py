"""Which accounts are asked, some time before something is due, whether our access still works."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from app.db import from_now
from app.models.account import Account, Health
from app.models.delivery import Delivery
from app.states import State

SELDOM_SECONDS = 3600.0
"""Between two checks of an account, at least: in some networks each read costs."""
WRITTEN_LATER_SECONDS = 600.0
"""What was written so much later than its check would have been has none: its writer has just been
here, and the next check is to come."""


def times(before: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Return the seconds before something is due from which, and until which, a check is worth it:
    one that nobody ran for is made late, until the next one comes.

    :param before: as in ``WARN_BEFORE``.
    """
    return pairwise([*sorted(set(before), reverse=True), 0.0])


def wanted(
    columns: Sequence[Any],
    begins: float,
    ends: float,
    written_later: float = WRITTEN_LATER_SECONDS,
) -> Select[Any]:
    """Return the query for what a check is to be made of, now or later, in no order.

    :param columns: of a Delivery that is scheduled, and of its Account.
    :param begins: seconds before it is due; ``ends`` likewise, as ``times`` returns them.
    :param written_later: seconds after its check would have been; what was written then counts.
    """
    since = Delivery.next_at > Account.access_checked_at + round(begins * 1000)
    unchecked = or_(Account.access_checked_at.is_(None), since)
    at_the_latest = Delivery.next_at - round((begins - written_later) * 1000)
    usable = (Account.connected, Account.health == Health.OK)
    return (
        select(*columns)
        .join_from(Delivery, Account, Account.id == Delivery.account_id)
        .where(Delivery.state == State.SCHEDULED, Delivery.next_at > from_now(ends))
        .where(Delivery.created_at <= at_the_latest, *usable, unchecked)
    )


def may_be_asked() -> ColumnElement[bool]:
    """Return the condition that the last check of an account was long enough ago."""
    lately = Account.access_checked_at > from_now(-SELDOM_SECONDS)
    return or_(Account.access_checked_at.is_(None), ~lately)
