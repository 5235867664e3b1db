"""Consent pages that a browser has open: what each began with, in its own cookie."""

from __future__ import annotations

from typing import Any

from flask import current_app, request, session, url_for

MAX_AT_ONCE = 3
"""Consent pages that one browser may have open; the oldest is forgotten."""
STATE_NAMES = ("state", "oauth_token", "denied")
"""Where networks send back what the consent page began with."""


def remember(memory: dict[str, Any]) -> None:
    """Keep what a consent page began with until its callback."""
    session["consents"] = [*session.get("consents", []), memory][-MAX_AT_ONCE:]


def take() -> dict[str, Any] | None:
    """Return what this callback began with, and forget it; None when it is not known."""
    state = next((request.args[name] for name in STATE_NAMES if name in request.args), None)
    kept: list[dict[str, Any]] = session.get("consents", [])
    memory = next((one for one in kept if one["state"] == state), None)
    if memory is not None:
        session["consents"] = [other for other in kept if other is not memory]
    return memory


def redirect_uri(network: str) -> str:
    """Return our callback address at a network, under the name that people know us by."""
    base = current_app.config["APP_URL"] or request.host_url.rstrip("/")
    return f"{base}{url_for('auth.callback', network=network)}"
