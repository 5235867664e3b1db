"""X."""

from __future__ import annotations

from app.networks.x.network import X
from app.networks.x.text import X_COUNTING

__all__ = ["X_COUNTING", "X"]
