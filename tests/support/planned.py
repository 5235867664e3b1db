"""Rows of tweets at any moment, also long ago, in any state: what a calendar shows."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.db import db
from app.models import Account, Delivery, Tweet, User
from app.states import AWAKE, State
from tests.support.reader import Reader
from tests.support.world import World


class Planner:
    """Somebody with accounts, whose rows are as a test wants them."""

    def __init__(self, world: World, zone: str, networks: Sequence[str] = ("x",)) -> None:
        self.world = world
        with world.rows():
            user = User(timezone=zone, late_tolerance=3600)
            db.session.add(user)
            db.session.flush()
            made = [_account(user.id, network) for network in networks]
            db.session.add_all(made)
            db.session.commit()
            self.user_id = user.id
            self.accounts = [account.id for account in made]
        self.reader = Reader.of(world, self.user_id)

    def plan(
        self,
        text: str,
        at: datetime,
        state: str = State.SCHEDULED,
        others: Sequence[tuple[datetime, str]] = (),
    ) -> int:
        """Store a tweet for the first account, and for each of the next ones what ``others`` say.

        Return its id.
        """
        with self.world.rows():
            tweet = Tweet(user_id=self.user_id, text=text, due_at=at)
            jobs = zip(self.accounts, [(at, state), *others], strict=False)
            tweet.deliveries = [_job(account, due, kind) for account, (due, kind) in jobs]
            db.session.add(tweet)
            db.session.commit()
            return tweet.id

    def calendar(self, view: str, day: str, **query: Any) -> Any:
        """Return what the calendar says."""
        further = "".join(f"&{name}={value}" for name, value in query.items())
        return self.reader.json(f"/calendar?view={view}&date={day}{further}")


def _account(user_id: int, network: str) -> Account:
    server = "mastodon.example" if network == "mastodon" else ""
    return Account(
        user_id=user_id,
        network=network,
        server=server,
        host=server,
        remote_id=str(uuid.uuid4()),
        handle="ana",
        signs_in=True,
        person_id="ana",
        credentials={"access_token": "made up"},
    )


def _job(account_id: int, due_at: datetime, state: str) -> Delivery:
    return Delivery(
        account_id=account_id,
        state=state,
        due_at=due_at,
        not_before=due_at,
        next_at=due_at if state in AWAKE else None,
        hold_reason="late" if state == State.HELD else None,
        error_code={State.FAILED: "rejected", State.REVIEW: "never_seen"}.get(State(state)),
        finished_at=due_at if state in {State.FAILED, State.PUBLISHED, State.CANCELLED} else None,
        accepted_at=due_at if state == State.PUBLISHED else None,
    )
