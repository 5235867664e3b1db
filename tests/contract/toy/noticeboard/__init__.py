"""Noticeboard, a network that exists only in tests."""

from __future__ import annotations

from app.networks.noticeboard.network import Noticeboard

__all__ = ["Noticeboard"]
