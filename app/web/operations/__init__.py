"""The operations page and its JSON."""

from __future__ import annotations

from app.web.operations import (
    access,
    acting,
    alerts,
    details,
    machines,
    mails,
    overview,
    pausing,
    routes,
    tabs,
)

__all__ = [
    "access",
    "acting",
    "alerts",
    "details",
    "machines",
    "mails",
    "overview",
    "pausing",
    "routes",
    "tabs",
]
