"""The knobs of the Mastodon of the sandbox: how it behaves while nothing is broken on purpose."""

from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.settings import MAX_LAG, BadSetting

WINDOWS = {"calls": 300.0, "create": 10_800.0, "upload": 1_800.0}
DEFAULT_LIMITS = {"calls": 1_500, "create": 300, "upload": 30}
LANGUAGES = ("en", "de")
RESET_FORMS = ("iso", "epoch", "seconds", "date", "none")
DEAD_TOKEN_STATUSES = (400, 401, 403, 422)


@dataclass
class MastodonSettings:
    """All times in seconds. Forgotten when the sandbox stops.

    ``idempotency`` off is GoToSocial's way; ``discovery``, ``pkce``, ``instance_v2`` and
    ``source`` off is an older server's.
    """

    software: str = "mastodon"
    version: str = "4.4.2"
    idempotency: bool = True
    discovery: bool = True
    pkce: bool = True
    instance_v2: bool = True
    source: bool = True
    characters: int = 500
    pictures: int = 4
    picture_bytes: int = 16_777_216
    media_seconds: float = 0
    media_fails: bool = False
    language: str = "en"
    reset_form: str = "iso"
    dead_token_status: int = 401
    read_lag: float = 0
    code_seconds: float = 600
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
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
        if name == "limits":
            return self._checked_limits(value)
        if name in CHOICES:
            return _choice(name, value, CHOICES[name])
        if name in ("software", "version"):
            return _words(name, value)
        if isinstance(getattr(MastodonSettings, name), bool):
            return _choice(name, value, (True, False))
        if name in ("characters", "pictures", "picture_bytes"):
            return _count(name, value)
        return _seconds(name, value)

    def _checked_limits(self, value: Any) -> dict[str, int]:
        if not isinstance(value, dict) or set(value) - set(DEFAULT_LIMITS):
            raise BadSetting(f"limits may name {', '.join(DEFAULT_LIMITS)}")
        return self.limits | {name: _count(name, count) for name, count in value.items()}


CHOICES: dict[str, tuple[Any, ...]] = {
    "language": LANGUAGES,
    "reset_form": RESET_FORMS,
    "dead_token_status": DEAD_TOKEN_STATUSES,
}


def _choice(name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    if type(value) is not type(choices[0]) or value not in choices:
        raise BadSetting(f"{name} is one of {', '.join(map(str, choices))}")
    return value


def _words(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise BadSetting(f"{name} is a text")
    return value


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadSetting(f"{name} is a whole number from 1")
    return value


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadSetting(f"{name} is a number of seconds from 0")
    if name == "read_lag" and value > MAX_LAG:
        raise BadSetting(f"read_lag is at most {MAX_LAG} seconds")
    return float(value)
