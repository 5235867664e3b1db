"""The knobs of the Facebook of the sandbox: how it behaves while nothing is broken on purpose."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.core import BadSetting, Knobs, count, counts, seconds, truth

OPERATIONS = ("create", "timeline", "me", "upload", "lookup", "delete", "likes", "follows")
DEFAULT_LIMITS = dict.fromkeys(OPERATIONS, 1000)
DAY = 86_400


@dataclass
class FacebookSettings(Knobs):
    """All times in seconds. Forgotten when the sandbox stops."""

    short_token_seconds: float = 3600
    long_token_seconds: float = 60 * DAY
    data_access_seconds: float = 90 * DAY
    code_seconds: float = 600
    duplicate_window: float = DAY
    read_lag: float | None = 0
    require_proof: bool = True
    accounts_per_page: int = 2
    viewer_pages: int = 0
    limit_window: float = 3600
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
    app_limit: int | None = None
    shared: dict[str, list[str]] = field(default_factory=dict)

    def _checked(self, name: str, value: Any) -> Any:
        if name == "require_proof":
            return truth(name, value)
        if name == "limits":
            return counts(self.limits, value, 1)
        if name == "shared":
            return _shared(value)
        if name in ("read_lag", "app_limit") and value is None:
            return None
        if name in ("accounts_per_page", "viewer_pages", "app_limit"):
            return count(name, value, least=int(name == "accounts_per_page"))
        return seconds(name, value)


def _shared(value: Any) -> dict[str, list[str]]:
    """Handles of Pages, each with those of the people who publish there as well."""
    is_known = isinstance(value, dict) and all(
        isinstance(people, list) and all(isinstance(person, str) for person in people)
        for people in value.values()
    )
    if not is_known:
        raise BadSetting("shared is an object of Pages, each with a list of people")
    return {page.lower(): [person.lower() for person in people] for page, people in value.items()}
