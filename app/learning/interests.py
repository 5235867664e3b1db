"""Finds what people write about, in the background: docs/decisions/0023-interests.md."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.background import Run, Stopped
from app.db import db, rollback_quietly, rows_changed
from app.learning import past, suggestions
from app.learning.tally import Term
from app.learning.words import Key
from app.models import Interest, User, interest
from app.precedence import step_aside
from app.shutdown import stopping

log = logging.getLogger(__name__)

BUDGET = 15.0
"""Seconds that one run takes; whoever is left over comes first in the next."""
ASIDE_SECONDS = 0.05
"""After every few rows, at most, while this process publishes. The transaction stays open."""


def find_stale(run: Run) -> str:
    """Find the interests of everybody whose past has changed; return of how many people."""
    interest.look_for_sent()
    ends, count = time.monotonic() + BUDGET, 0
    while time.monotonic() < ends and (claimed := interest.claim()):
        run.advance(0)
        find(claimed)
        count += 1
    return str(count)


def find(claimed: interest.Claimed) -> bool:
    """Read a person's past and store what it is about; False if another look has begun since.

    Nothing is stored before all of it is: whoever is killed meanwhile leaves the person stale.
    """
    user = db.session.get_one(User, claimed.user_id)
    found = past.read(user, claimed.began_at, _breathe)
    terms = found.tally.strongest()
    hobbies = user.hobbies
    rollback_quietly()  # what was read needs no transaction any more
    if not interest.settle(claimed):
        rollback_quietly()
        return False
    known = _store(claimed.user_id, terms)
    suggestions.store(claimed.user_id, suggestions.made_of(known, terms, found, hobbies))
    db.session.commit()
    return True


def _breathe() -> None:
    """Let tweets go first. Raises Stopped when the worker is to stop."""
    step_aside(ASIDE_SECONDS)
    if stopping.is_set():
        raise Stopped


def _store(user_id: int, terms: Mapping[Key, Term]) -> Sequence[Interest]:
    """Store what was found, and keep what is hidden or pinned; return all of it."""
    mine = Interest.user_id == user_id
    rows_changed(update(Interest).where(mine).values(weight=0.0))
    if rows := [_row(user_id, key, term) for key, term in sorted(terms.items())]:
        dialect: Any = postgresql if db.engine.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(Interest).values(rows)
        changed = {name: insert.excluded[name] for name in ("label", "weight")}
        unique = ["user_id", "kind", "key"]
        db.session.execute(insert.on_conflict_do_update(index_elements=unique, set_=changed))
    gone = (Interest.weight == 0, ~Interest.hidden, ~Interest.pinned)
    rows_changed(delete(Interest).where(mine, *gone))
    return db.session.scalars(select(Interest).where(mine)).all()


def _row(user_id: int, key: Key, term: Term) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "kind": key[0].value,
        "key": key[1],
        "label": term.label,
        "weight": max(0.001, round(term.weight, 3)),
        "hidden": False,
        "pinned": False,
    }
