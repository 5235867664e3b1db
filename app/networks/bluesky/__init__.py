"""Bluesky: the AT Protocol."""

from __future__ import annotations

from app.networks.bluesky.network import Bluesky

__all__ = ["Bluesky"]
