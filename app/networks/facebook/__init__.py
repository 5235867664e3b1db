"""Facebook Pages."""

from __future__ import annotations

from app.networks.facebook.network import Facebook

__all__ = ["Facebook"]
