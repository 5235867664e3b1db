"""What the knobs of all networks share: changing them, and what they may be."""

from dataclasses import asdict, dataclass
from typing import Any

MAX_LAG = 300  # seconds


class BadSetting(ValueError):
    """A setting that does not exist or a value it cannot take; the message says which."""


@dataclass
class Knobs:
    """How a network behaves while nothing is broken on purpose; forgotten when it stops."""

    clock_offset: float = 0

    def change(self, changes: dict[str, Any]) -> None:
        """Take over ``changes``, all or none.

        Raises BadSetting for an unknown name, a wrong type, or a number out of range.
        """
        checked = {name: self._known(name, value) for name, value in changes.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return asdict(self)

    def _known(self, name: str, value: Any) -> Any:
        if name not in asdict(self):
            raise BadSetting(f"unknown setting {name!r}")
        return self._checked(name, value)

    def _checked(self, name: str, value: Any) -> Any:
        """The value as it is kept. Raises BadSetting."""
        raise NotImplementedError


def truth(name: str, value: Any) -> bool:
    """Something that is on or off. Raises BadSetting."""
    if not isinstance(value, bool):
        raise BadSetting(f"{name} is true or false")
    return value


def count(name: str, value: Any, least: int = 0) -> int:
    """A whole number. Raises BadSetting."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadSetting(f"{name} is a whole number from {least}")
    return value


def counts(now: dict[str, int], value: Any, least: int = 0) -> dict[str, int]:
    """Some of these limits changed, none added. Raises BadSetting."""
    if not isinstance(value, dict) or set(value) - set(now):
        raise BadSetting(f"limits may name {', '.join(now)}")
    return now | {name: count(name, number, least) for name, number in value.items()}


def seconds(name: str, value: Any) -> float:
    """A duration. Raises BadSetting."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadSetting(f"{name} is a number of seconds from 0")
    if name == "read_lag" and value > MAX_LAG:
        raise BadSetting(f"read_lag is at most {MAX_LAG} seconds")
    return float(value)
