"""How much of their allowances the app and its Pages have used, and the headers that say so."""

import json
import math
from dataclasses import dataclass

from sandbox.core.clock import Clock
from sandbox.facebook.errors import APP_THROTTLED, PAGE_THROTTLED
from sandbox.facebook.settings import FacebookSettings

APP_HEADER, PAGE_HEADER = "X-App-Usage", "X-Business-Use-Case-Usage"
THE_APP = ("app", "")
FULL = 100


@dataclass
class Window:
    """A fixed window on the sandbox's clock."""

    ends_at: float
    used: int = 0


class Usage:
    """Counts calls against the limits of the settings. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: FacebookSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._windows: dict[tuple[str, str], Window] = {}

    def spend(self, operation: str, page_id: str | None) -> tuple[int | None, dict[str, str]]:
        """The code with which a call is refused, None when it fits; and the headers.

        A call that does not fit uses nothing up.
        """
        app = self._window(THE_APP)
        mine = self._window((operation, page_id or ""))
        limit, most = self._settings.limits[operation], self._settings.app_limit
        code = APP_THROTTLED if most is not None and app.used >= most else None
        if code is None and page_id is not None and mine.used >= limit:
            code = PAGE_THROTTLED
        if code is None:
            app.used += 1
            mine.used += 1
        headers = app_header(_percent(app.used, most))
        if page_id is not None:
            percent = _percent(mine.used, limit)
            wait = mine.ends_at - self._clock.now() if percent >= FULL else 0
            headers |= page_header(page_id, percent, wait)
        return code, headers

    def clear(self) -> None:
        """Forget what was used."""
        self._windows.clear()

    def _window(self, key: tuple[str, str]) -> Window:
        now = self._clock.now()
        window = self._windows.get(key)
        if window is None or window.ends_at <= now:
            window = self._windows[key] = Window(now + self._settings.limit_window)
        return window


def app_header(percent: int) -> dict[str, str]:
    """What the app has used."""
    return {APP_HEADER: json.dumps({"call_count": percent, "total_cputime": 0, "total_time": 0})}


def page_header(page_id: str, percent: int, wait: float) -> dict[str, str]:
    """What a Page has used; ``wait`` in seconds, told in minutes."""
    usage = {
        "type": "pages",
        "call_count": percent,
        "total_cputime": 0,
        "total_time": 0,
        "estimated_time_to_regain_access": math.ceil(wait / 60),
    }
    return {PAGE_HEADER: json.dumps({page_id: [usage]})}


def _percent(used: int, limit: int | None) -> int:
    return 0 if limit is None else FULL if limit == 0 else used * FULL // limit
