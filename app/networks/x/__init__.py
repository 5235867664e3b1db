"""X."""

from __future__ import annotations

from app.networks.x.network import X

__all__ = ["X"]
