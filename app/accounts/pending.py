"""Accounts that a signed-in user has consented to connect, but has not confirmed here yet.

Nothing is connected before the user confirms: a link made by an attacker ends at this question.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete

from app import background
from app.accounts import disconnections
from app.accounts.transactions import change, rows_of
from app.db import EPOCH, db, rows_changed, utcnow
from app.models import PendingConnection
from app.networks import Connection, Destination, Limits, Profile, host_in, http

LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Pending:
    """A connection that waits for its owner's confirmation."""

    id: str
    network: str
    connections: Sequence[Connection]


def keep(user_id: int, network: str, connections: Sequence[Connection]) -> str:
    """Store what was opened to this user, and return the id that their cookie carries."""
    pending_id = secrets.token_urlsafe(32)
    opened = {"connections": [asdict(connection) for connection in connections]}
    db.session.add(
        PendingConnection(id=pending_id, user_id=user_id, network=network, opened=opened)
    )
    db.session.commit()
    return pending_id


def of(user_id: int, pending_id: str | None) -> Pending | None:
    """Return what waits for this user's word; None when nothing does, or it was too long ago."""
    if not pending_id:
        return None
    row = db.session.scalar(
        db.select(PendingConnection).where(
            PendingConnection.id == pending_id,
            PendingConnection.user_id == user_id,
            PendingConnection.created_at > utcnow() - LIFE,
        )
    )
    connections = _connections(row.opened) if row else []
    return Pending(row.id, row.network, connections) if row and connections else None


def take(pending_id: str) -> bool:
    """Delete it while connecting; False when it was already settled. Does not commit."""
    return bool(rows_changed(delete(PendingConnection).where(PendingConnection.id == pending_id)))


def forget(pending_id: str) -> None:
    """Delete what has become of it: the accounts are connected, or never will be."""
    take(pending_id)
    db.session.commit()


def refuse(pending_id: str) -> bool:
    """Delete it and end the access at the network; False when it was settled before."""
    taken = delete(PendingConnection).where(PendingConnection.id == pending_id)
    rows = rows_of(taken.returning(PendingConnection.network, PendingConnection.opened))
    began = http.boottime()
    for network, opened in rows:
        for one in _connections(opened):
            disconnections.end_access(network, one.profile, one.credentials, began)
    return bool(rows)


def sweep(pending_ids: Sequence[str]) -> None:
    """Do the same for those that expired without a decision."""
    for pending_id in pending_ids:
        refuse(pending_id)


def leave_to_workers(pending_id: str) -> None:
    """Let it expire at once; a worker ends the access later, because that calls the network."""
    background.soon("access")
    change(PendingConnection, PendingConnection.id == pending_id, created_at=EPOCH)


def expired(most: int = 20) -> list[tuple[str, Destination]]:
    """Return what nobody said a word about, and where its access can be ended."""
    one = PendingConnection
    waiting = db.select(one.id, one.network, one.opened).where(one.created_at <= utcnow() - LIFE)
    rows = rows_of(waiting.order_by(one.created_at).limit(most))
    return [(row.id, Destination(row.network, _host(row.opened))) for row in rows]


def _host(opened: Mapping[str, Any]) -> str:
    connections = _connections(opened)
    return host_in(connections[0].credentials) if connections else ""


def _connections(opened: Mapping[str, Any]) -> list[Connection]:
    return [_connection(stored) for stored in opened.get("connections", [])]


def _connection(stored: Mapping[str, Any]) -> Connection:
    limits = stored["limits"]
    if limits:
        limits = Limits(**{**limits, "picture_types": tuple(limits["picture_types"])})
    return Connection(**{**stored, "profile": Profile(**stored["profile"]), "limits": limits})
