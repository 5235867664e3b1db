"""How many workers there should be: from what is needed now, and how long ago more was. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.autoscale.demand import Demand

STOP_EARLY = 0.95
"""The part of the idle time after which workers are told to stop, so that they have gone when it is
over."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the site wants of autoscaling. Times are in seconds."""

    lead: float
    """Before a due time, when a worker is asked for."""
    idle: float
    """After the last time that so many workers were needed, when they have gone."""
    most: int
    backlog: int
    """Due rows for which one worker is enough."""

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Policy:
        """Return what the configuration says."""
        names = ("AUTOSCALE_LEAD", "AUTOSCALE_IDLE", "AUTOSCALE_MAX", "AUTOSCALE_BACKLOG")
        return cls(*(config[name] for name in names))

    @property
    def rows_that_matter(self) -> int:
        """Where counting due rows may end: more of them change no decision."""
        return (self.most - 1) * self.backlog + 1


def workers_needed(demand: Demand, policy: Policy) -> int:
    """Return how many workers the rows need now, those among them that are due soon."""
    if not demand.under_way and not demand.is_due_within(policy.lead):
        return 0
    return min(policy.most, max(1, math.ceil(demand.rows / policy.backlog)))


def workers_wanted(demand: Demand, policy: Policy, running: int, idle: float) -> int:
    """Return how many workers there should be.

    More come at once. They go when they have not been needed for a while, and not just before
    something is due: to stop one and start another takes as long.

    :param running: how many there are.
    :param idle: seconds since so many were needed.
    """
    needed = workers_needed(demand, policy)
    if needed >= running:
        return needed
    is_idle = idle >= policy.idle * STOP_EARLY
    is_needed_soon = not needed and demand.is_due_within(2 * policy.lead)
    return needed if is_idle and not is_needed_soon else running
