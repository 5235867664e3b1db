"""One tweet to every network in each of many scenarios, all at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.db import db, from_now
from app.models import Account, Attempt, Delivery
from app.networks import REGISTRY
from app.networks.base import OutcomeKind
from app.states import State
from tests.support.sandbox import Played
from tests.support.threads import write_thread
from tests.support.waiting import wait_for
from tests.support.world import World

NETWORKS = [network.name for network in REGISTRY]
Trouble = Callable[[Played, str], None]
"""Breaks something of a network for one handle."""


@dataclass(frozen=True)
class End:
    """How a scenario ended on one network."""

    delivery: Delivery
    calls: list[Attempt]
    """Attempts that may have reached the network, oldest first; a busy machine makes others."""
    posts: list[Any]
    """What the network has of it."""

    @property
    def began_at(self) -> datetime:
        """When the first call began."""
        assert self.delivery.first_sent_at is not None
        return self.delivery.first_sent_at


@dataclass
class Story:
    """Scenarios by name; each has an owner, an account on every network, and one tweet."""

    world: World
    jobs: dict[tuple[str, str], str] = field(default_factory=dict)
    """Job ids by scenario and network."""
    accounts: dict[tuple[str, str], int] = field(default_factory=dict)

    def connect(self, scenario: str) -> None:
        """Give somebody an account on every network."""
        first, *others = NETWORKS
        owner = self.world.user(scenario, first)
        self.accounts[scenario, first] = self._first_account(owner)
        for network in others:
            self.accounts[scenario, network] = self.world.connect(owner, network, scenario)

    def write(self, scenario: str) -> None:
        """Write once, for all networks, now."""
        ids = [self.accounts[scenario, network] for network in NETWORKS]
        with self.world.rows():
            owner = db.session.get_one(Account, ids[0]).user_id
        job = self.world.tweet_later(owner, self.text(scenario), accounts=ids)
        for network, its_job in self.world.jobs_of(job).items():
            self.jobs[scenario, network] = its_job

    def write_thread(self, scenario: str, texts: Sequence[str]) -> None:
        """Write a thread on each network, now."""
        with self.world.rows():
            account = db.session.get_one(Account, self.accounts[scenario, NETWORKS[0]])
            owner = account.user_id
        for network in NETWORKS:
            job = write_thread(self.world, owner, texts, network=network)
            self.jobs[scenario, network] = job

    def text(self, scenario: str) -> str:
        """Return what is written in a scenario; no two are alike."""
        return f"The story of {scenario}"

    def end(self, scenario: str, network: str) -> End:
        """Return how it ended."""
        job = self.jobs[scenario, network]
        with self.world.rows():
            found = db.select(Attempt).where(Attempt.delivery_id == job).order_by(Attempt.id)
            calls = [
                try_ for try_ in db.session.scalars(found) if try_.outcome != OutcomeKind.NOT_SENT
            ]
            db.session.expunge_all()
        text = self.text(scenario)
        posts = [x for x in self.world.sandbox.on(network).accepted() if x["text"] == text]
        return End(self.world.delivery(job), calls, posts)

    def let_the_wait_end(self, scenario: str) -> dict[str, float]:
        """Wait until every network has said "later", then be at that moment.

        :return: the seconds that would have been left on each network.
        """
        left = {}
        for network in NETWORKS:
            job = self.jobs[scenario, network]
            wait_for(lambda job=job: self._waits(job), what=f"{network} asking for patience")
            left[network] = self._seconds_left(job)
            with self.world.rows():
                now = {"not_before": from_now(), "next_at": from_now()}
                db.session.query(Account).filter_by(id=self.accounts[scenario, network]).update(
                    {"paused_until": from_now()}
                )
                db.session.query(Delivery).filter_by(id=job).update(now)
                db.session.commit()
        return left

    def _first_account(self, owner: int) -> int:
        with self.world.rows():
            return db.session.scalars(db.select(Account.id).where(Account.user_id == owner)).one()

    def _waits(self, job: str) -> bool:
        row = self.world.delivery(job)
        return row.state == State.SCHEDULED and row.error_code == "rate_limited"

    def _seconds_left(self, job: str) -> float:
        with self.world.rows():
            row = db.session.get_one(Delivery, job)
            now = db.session.scalars(db.select(from_now())).one()
            return (row.not_before - now).total_seconds()
