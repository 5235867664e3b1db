"""The knobs of the sandbox's Bluesky: how it behaves while nothing is broken on purpose."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.core import BadSetting, Knobs, counts, seconds, truth

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
    handles: dict[str, str | None] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))

    def _checked(self, name: str, value: Any) -> Any:
        if name == "auth_factor":
            return truth(name, value)
        if name == "handles":
            return _handles(value)
        if name == "documents":
            return _documents(value)
        if name == "limits":
            return counts(self.limits, value)
        return seconds(name, value)


def _handles(value: Any) -> dict[str, str | None]:
    """Where handles lead instead of to their own DIDs; null is nowhere."""
    if not isinstance(value, dict) or not all(
        did is None or isinstance(did, str) for did in value.values()
    ):
        raise BadSetting("handles is an object of handles, each with a DID or null")
    return {handle.lower(): did for handle, did in value.items()}


def _documents(value: Any) -> dict[str, Any]:
    """What the directory says of DIDs instead of the truth; null is nothing."""
    if not isinstance(value, dict):
        raise BadSetting("documents is an object of DIDs, each with its document or null")
    return value
