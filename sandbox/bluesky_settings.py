"""The knobs of the sandbox's Bluesky: how it behaves while nothing is broken on purpose."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.settings import Knobs, counts, seconds, truth

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
class BlueskySettings(Knobs):
    """All times in seconds. Forgotten when the sandbox stops."""

    access_token_seconds: float = 7_200
    refresh_token_seconds: float = 90 * 86_400
    refresh_grace: float = 7_200
    blob_seconds: float = 3_600
    auth_factor: bool = False
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))

    def _checked(self, name: str, value: Any) -> Any:
        if name == "auth_factor":
            return truth(name, value)
        if name == "limits":
            return counts(self.limits, value)
        return seconds(name, value)
