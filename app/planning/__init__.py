"""What goes out when, planned by people: rules by which tweets come again."""

from __future__ import annotations

from app.planning import ahead, recurrence, repeating
from app.planning.ahead import make_due
from app.planning.recurrence import RecurrenceProblem
from app.planning.repeating import Wish

__all__ = ["RecurrenceProblem", "Wish", "ahead", "make_due", "recurrence", "repeating"]
