"""The settings of the sandbox's X: how it behaves while nothing is broken on purpose."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.core import BadSetting, Knobs, count, counts, seconds, truth

DEFAULT_LIMITS = {
    "create": 100,
    "delete": 50,
    "me": 75,
    "timeline": 900,
    "lookup": 900,
    "upload": 500,
    "describe": 500,
    "likes": 75,
    "follows": 300,
}


@dataclass
class XSettings(Knobs):
    """All times in seconds. Forgotten when the sandbox stops.

    ``credits_usd`` is what the calls since the last reset may cost, None for any sum;
    ``app_owner`` the handle that reads its own things at a lower price.
    """

    access_token_seconds: float = 7200
    code_seconds: float = 30
    family_revocation: bool = False
    duplicate_window: float = 86_400
    read_lag: float = 0
    limit_window: float = 900
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
    user_day_limit: int | None = None
    app_day_limit: int | None = None
    credits_usd: float | None = None
    app_owner: str | None = None

    def _checked(self, name: str, value: Any) -> Any:
        if name == "family_revocation":
            return truth(name, value)
        if name == "limits":
            return counts(self.limits, value)
        if name.endswith("_day_limit"):
            return None if value is None else count(name, value)
        if name == "credits_usd":
            return None if value is None else _dollars(name, value)
        if name == "app_owner":
            return _handle(value)
        return seconds(name, value)


def _dollars(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadSetting(f"{name} is a number of dollars from 0, or null for any sum")
    return float(value)


def _handle(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise BadSetting("app_owner is a handle, or null")
    return value
