"""Learning from accounts, for their owners."""

from __future__ import annotations

from app.web.learning import interests, numbers, routes, suggestions

__all__ = ["interests", "numbers", "routes", "suggestions"]
