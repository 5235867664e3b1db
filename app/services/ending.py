"""How the create call of a claim ended."""

from __future__ import annotations

from dataclasses import dataclass

from app.networks.base import Outcome
from app.services.claims import Claim


@dataclass(frozen=True, slots=True)
class Ending:
    """A claim, the credentials it used, and the outcome of its call."""

    claim: Claim
    network: str
    access_version: int
    outcome: Outcome
    was_prepared: bool = True
    """False when it ended before its call, because of what the tweet needed first."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A call that raised, which none may: its row is left to its lease."""

    claim: Claim
