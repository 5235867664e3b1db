"""Mastodon, and every server that speaks its API."""

from __future__ import annotations

from app.networks.mastodon.apps import ANEW_REST, App, Known, mark_of, too_soon
from app.networks.mastodon.network import Mastodon

__all__ = ["ANEW_REST", "App", "Known", "Mastodon", "mark_of", "too_soon"]
