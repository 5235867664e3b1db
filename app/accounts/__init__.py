"""Connected accounts: how they are connected, kept usable, held and disconnected; who signs in."""

from __future__ import annotations

from app.accounts import (
    access_ends,
    audit,
    avatars,
    connections,
    credentials,
    deletion,
    disconnections,
    holds,
    identities,
    limits,
    overview,
    pending,
    probes,
    reencryption,
    sampling,
    sessions,
    sign_in_methods,
    visibility,
)
from app.accounts.audit import Visit
from app.accounts.connections import Connected
from app.accounts.credentials import Access
from app.accounts.pending import Pending
from app.accounts.server_apps import ServerApps, has_answered

__all__ = [
    "Access",
    "Connected",
    "Pending",
    "ServerApps",
    "Visit",
    "access_ends",
    "audit",
    "avatars",
    "connections",
    "credentials",
    "deletion",
    "disconnections",
    "has_answered",
    "holds",
    "identities",
    "limits",
    "overview",
    "pending",
    "probes",
    "reencryption",
    "sampling",
    "sessions",
    "sign_in_methods",
    "visibility",
]
