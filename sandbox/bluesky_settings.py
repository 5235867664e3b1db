"""The knobs of the sandbox's Bluesky: how it behaves while nothing is broken on purpose."""

from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.settings import BadSetting

WINDOWS = {
    "ip": 300.0,
    "hour": 3_600.0,
    "day": 86_400.0,
    "sign_in": 300.0,
    "sign_in_day": 86_400.0,
    "upload": 86_400.0,
}
DEFAULT_LIMITS = {
    "ip": 3_000,
    "hour": 5_000,
    "day": 35_000,
    "sign_in": 30,
    "sign_in_day": 300,
    "upload": 1_000,
}


@dataclass
class BlueskySettings:
    """All times in seconds. Forgotten when the sandbox stops."""

    access_token_seconds: float = 7_200
    refresh_token_seconds: float = 90 * 86_400
    refresh_grace: float = 7_200
    blob_seconds: float = 3_600
    auth_factor: bool = False
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
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
        if name == "auth_factor":
            if not isinstance(value, bool):
                raise BadSetting(f"{name} is true or false")
            return value
        if name == "limits":
            return self._checked_limits(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise BadSetting(f"{name} is a number of seconds from 0")
        return float(value)

    def _checked_limits(self, value: Any) -> dict[str, int]:
        if not isinstance(value, dict) or set(value) - set(DEFAULT_LIMITS):
            raise BadSetting(f"limits may name {', '.join(DEFAULT_LIMITS)}")
        for name, count in value.items():
            if isinstance(count, bool) or not isinstance(count, int) or count < 0:
                raise BadSetting(f"{name} is a whole number from 0")
        return self.limits | value
