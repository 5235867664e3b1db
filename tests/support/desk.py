"""An installation as operators see it: somebody with the role, and jobs of Ben's in every state."""

from __future__ import annotations

from typing import Any

from app.db import db, from_now
from app.models import Delivery, Role, User
from app.states import HoldReason, State
from tests.support.visitor import Visitor
from tests.support.world import World

JSON = {"Accept": "application/json"}
ALL_KINDS = {
    "scheduled": 4,
    "retries": 3,
    "failed": 2,
    "unconfirmed": 1,
    "sending": 2,
    "held": 2,
}
"""How many jobs of each list there are in ``Desk``, cancelled and published ones aside."""


def operator_at(world: World, handle: str) -> Visitor:
    """Sign in somebody with an account on X, who may act on the operations page."""
    visitor = Visitor(world.site)
    visitor.sign_in(handle)
    with world.rows():
        User.by_handle(handle).role = Role.OPERATOR
        db.session.commit()
    return visitor


class Desk:
    """Pages without a worker, an operator, and jobs of Ben's in every state.

    :param world: its pages are started, unless they run.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        world.site = world.site or world.start_web()
        self.operator = operator_at(world, "ana")
        self.ben = world.user("ben")
        self.jobs = {name: self._write(name, values) for name, values in ROWS.items()}

    def _write(self, name: str, values: dict[str, Any]) -> str:
        job = self.world.tweet_later(self.ben, f"Words of {name}", "in 5 hours")
        with self.world.rows():
            # Told here and not by a worker: the rows of all lists, as the engine leaves them.
            db.session.execute(db.update(Delivery).where(Delivery.id == job).values(values))
            db.session.commit()
        return job

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Ask as a program does."""
        answer = self.operator.get(f"/operations{path}", params=query, headers=JSON)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def listed(self, tab: str, **query: str) -> list[str]:
        """Return which jobs a list has, by our names."""
        names = {job: name for name, job in self.jobs.items()}
        return [names[job["job_id"]] for job in self.get(f"/{tab}", **query)["jobs"]]

    def page(self, path: str) -> str:
        """Open a page."""
        answer = self.operator.get(f"/operations{path}")
        assert answer.status_code == 200, answer.text
        return answer.text


def _at(seconds: float) -> Any:
    return from_now(seconds)


_LEASED = {"owner": "host:12:abc", "fence": 1, "lease_until": _at(60), "next_at": _at(60)}
ROWS: dict[str, dict[str, Any]] = {
    "waits": {"tries": 0},
    "told": {"due_at": _at(-5), "not_before": _at(-5), "next_at": _at(5), "wake_ups": 1},
    "overdue": {"due_at": _at(-300), "not_before": _at(-300), "next_at": _at(-300)},
    "overdue and told": {
        "due_at": _at(-300),
        "not_before": _at(-300),
        "next_at": _at(20),
        "wake_ups": 3,
    },
    "tried": {"attempts": 1, "error_code": "unreachable"},
    "put off": {"not_before": _at(30_000), "next_at": _at(30_000)},
    "tried and told": {
        "attempts": 1,
        "due_at": _at(-9),
        "not_before": _at(-5),
        "next_at": _at(5),
        "wake_ups": 1,
    },
    "failed": {
        "state": State.FAILED,
        "next_at": None,
        "finished_at": _at(-10),
        "error_code": "duplicate",
        "attempts": 1,
    },
    "failed long ago": {
        "state": State.FAILED,
        "next_at": None,
        "finished_at": _at(-90_000),
        "error_code": "too_long",
    },
    "cancelled": {"state": State.CANCELLED, "next_at": None, "finished_at": _at(-10)},
    "published": {
        "state": State.PUBLISHED,
        "next_at": None,
        "finished_at": _at(-10),
        "accepted_at": _at(-10),
        "remote_id": "77",
    },
    "published long ago": {
        "state": State.PUBLISHED,
        "next_at": None,
        "finished_at": _at(-90_000),
        "accepted_at": _at(-90_000),
        "remote_id": "78",
    },
    "claimed": {"state": State.CLAIMED, **_LEASED},
    "sending": {"state": State.SENDING, "attempts": 1, **_LEASED},
    "unconfirmed": {
        "state": State.UNCONFIRMED,
        "next_at": _at(9),
        "unconfirmed_at": _at(-3),
        "attempts": 1,
    },
    "held": {"state": State.HELD, "hold_reason": HoldReason.RECONNECT, "next_at": None},
    "review": {"state": State.REVIEW, "next_at": None, "error_code": "unsettled"},
}
