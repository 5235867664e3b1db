"""How much of its allowance an app or a Page has used, as Facebook's headers tell it."""

from __future__ import annotations

from typing import Any

from app import untrusted
from app.networks.errors import DAY_SECONDS
from app.networks.http import Response
from app.networks.responses import RESERVED_SHARE, bounded

HOUR_SECONDS = 3600.0
FULL_PERCENT = 100.0
"""At which Facebook refuses calls."""
PERCENTAGES = ("call_count", "total_time", "total_cputime")
SHARED = "x-app-usage"
OWN = "x-page-usage"
BUSINESS = "x-business-use-case-usage"


def used_up_for(response: Response) -> float | None:
    """Return seconds to leave the account alone, None while something of every allowance is left.

    An hour where Facebook does not say when it begins to accept calls again.
    """
    full = (usage for usage in _usages(response) if _percent(usage) >= FULL_PERCENT)
    return max((_told(usage) or HOUR_SECONDS for usage in full), default=None)


def rest_after(response: Response) -> float:
    """Return seconds to leave the account alone, so that publishing has the rest of what it may."""
    much = FULL_PERCENT * (1 - RESERVED_SHARE)
    high = (usage for usage in _usages(response) if _percent(usage) > much)
    return max((_told(usage) or HOUR_SECONDS for usage in high), default=0.0)


def told_wait(response: Response) -> float | None:
    """Return the longest wait in seconds that any header names, at whatever percentage."""
    return max(filter(None, map(_told, _usages(response))), default=None)


def _told(usage: dict[str, Any]) -> float | None:
    minutes = _number(usage.get("estimated_time_to_regain_access"))
    return bounded(minutes * 60) if minutes > 0 else None


def _usages(response: Response) -> list[dict[str, Any]]:
    *told, business = (
        untrusted.parsed(response.header(name) or "") for name in (SHARED, OWN, BUSINESS)
    )
    for usages in business.values() if isinstance(business, dict) else ():
        told += usages if isinstance(usages, list) else []
    return [usage for usage in told if isinstance(usage, dict)]


def _percent(usage: dict[str, Any]) -> float:
    return max(_number(usage.get(name)) for name in PERCENTAGES)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(min(value, DAY_SECONDS)) if value > 0 else 0.0  # NaN is not more than nothing
