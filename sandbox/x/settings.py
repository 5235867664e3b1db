"""The settings of the sandbox's X: how it behaves while nothing is broken on purpose."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.core import Knobs, count, counts, seconds, truth

DEFAULT_LIMITS = {
    "create": 100,
    "delete": 50,
    "me": 75,
    "timeline": 900,
    "lookup": 900,
    "upload": 500,
    "describe": 500,
}


@dataclass
class XSettings(Knobs):
    """All times in seconds. Forgotten when the sandbox stops."""

    access_token_seconds: float = 7200
    code_seconds: float = 30
    family_revocation: bool = False
    duplicate_window: float = 86_400
    read_lag: float = 0
    limit_window: float = 900
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
    user_day_limit: int | None = None
    app_day_limit: int | None = None

    def _checked(self, name: str, value: Any) -> Any:
        if name == "family_revocation":
            return truth(name, value)
        if name == "limits":
            return counts(self.limits, value)
        if name.endswith("_day_limit"):
            return None if value is None else count(name, value)
        return seconds(name, value)
