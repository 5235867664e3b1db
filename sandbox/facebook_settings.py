"""The knobs of the Facebook of the sandbox: how it behaves while nothing is broken on purpose."""

from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.settings import MAX_LAG, BadSetting

OPERATIONS = ("create", "timeline", "me", "upload", "lookup", "delete")
DEFAULT_LIMITS = dict.fromkeys(OPERATIONS, 1000)
DAY = 86_400


@dataclass
class FacebookSettings:
    """All times in seconds. Forgotten when the sandbox stops."""

    short_token_seconds: float = 3600
    long_token_seconds: float = 60 * DAY
    code_seconds: float = 600
    duplicate_window: float = DAY
    read_lag: float | None = 0
    require_proof: bool = True
    accounts_per_page: int = 2
    viewer_pages: int = 0
    limit_window: float = 3600
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
    app_limit: int | None = None
    clock_offset: float = 0

    def change(self, changes: dict[str, Any]) -> None:
        """Take over ``changes``, all or none. Raises BadSetting."""
        checked = {name: self._checked(name, value) for name, value in changes.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return asdict(self)

    def _checked(self, name: str, value: Any) -> Any:
        if name not in asdict(self):
            raise BadSetting(f"unknown setting {name!r}")
        if name == "require_proof":
            return _truth(name, value)
        if name == "limits":
            return self._checked_limits(value)
        if name in ("read_lag", "app_limit") and value is None:
            return None
        if name in ("accounts_per_page", "viewer_pages", "app_limit"):
            return _count(name, value, least=int(name == "accounts_per_page"))
        return _seconds(name, value)

    def _checked_limits(self, value: Any) -> dict[str, int]:
        if not isinstance(value, dict) or set(value) - set(DEFAULT_LIMITS):
            raise BadSetting(f"limits may name {', '.join(DEFAULT_LIMITS)}")
        return self.limits | {name: _count(name, count, 1) for name, count in value.items()}


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadSetting(f"{name} is true or false")
    return value


def _count(name: str, value: Any, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadSetting(f"{name} is a whole number from {least}")
    return value


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadSetting(f"{name} is a number of seconds from 0")
    if name == "read_lag" and value > MAX_LAG:
        raise BadSetting(f"read_lag is at most {MAX_LAG} seconds, or null for ever")
    return float(value)
