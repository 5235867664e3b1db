"""What goes out when, planned by people: rules by which tweets come again."""

from __future__ import annotations

from app.planning.recurrence import RecurrenceProblem

__all__ = ["RecurrenceProblem"]
