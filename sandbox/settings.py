"""The knobs of the sandbox: how X behaves while nothing is broken on purpose."""

from dataclasses import asdict, dataclass, field
from typing import Any

DEFAULT_LIMITS = {
    "create": 100,
    "delete": 50,
    "me": 75,
    "timeline": 900,
    "lookup": 900,
    "upload": 500,
    "describe": 500,
}
MAX_LAG = 300  # seconds


class BadSetting(ValueError):
    """A setting that does not exist or a value it cannot take; the message says which."""


@dataclass
class Settings:
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
    clock_offset: float = 0

    def change(self, changes: dict[str, Any]) -> None:
        """Take over ``changes``, all or none.

        Raises BadSetting for an unknown name, a wrong type, or a number out of range.
        """
        checked = {name: self._checked(name, value) for name, value in changes.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return asdict(self)

    def _checked(self, name: str, value: Any) -> Any:
        if name not in asdict(self):
            raise BadSetting(f"unknown setting {name!r}")
        if name == "family_revocation":
            if not isinstance(value, bool):
                raise BadSetting(f"{name} is true or false")
            return value
        if name == "limits":
            return self._checked_limits(value)
        if name.endswith("_day_limit"):
            return None if value is None else _count(name, value)
        return _seconds(name, value)

    def _checked_limits(self, value: Any) -> dict[str, int]:
        if not isinstance(value, dict) or set(value) - set(DEFAULT_LIMITS):
            raise BadSetting(f"limits may name {', '.join(DEFAULT_LIMITS)}")
        return self.limits | {name: _count(name, count) for name, count in value.items()}


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadSetting(f"{name} is a whole number from 0")
    return value


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadSetting(f"{name} is a number of seconds from 0")
    if name == "read_lag" and value > MAX_LAG:
        raise BadSetting(f"read_lag is at most {MAX_LAG} seconds")
    return float(value)
