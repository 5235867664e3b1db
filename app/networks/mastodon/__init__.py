"""Mastodon, and every server that speaks its API."""

from __future__ import annotations

from app.networks.mastodon.apps import App, Known
from app.networks.mastodon.network import Mastodon

__all__ = ["App", "Known", "Mastodon"]
