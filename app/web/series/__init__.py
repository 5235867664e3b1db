"""Series in pages and JSON: tweets that come again."""

from __future__ import annotations

from app.web.series import forms
from app.web.series.routes import bp

__all__ = ["bp", "forms"]
