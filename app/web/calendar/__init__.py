"""The calendar: what is due when, by month, by week and as an agenda."""

from __future__ import annotations

from app.web.calendar.routes import bp

__all__ = ["bp"]
