"""How much of their allowances the app and its Pages have used, and the headers that say so."""

import json
import math

from sandbox.core import Clock, Window, Windows
from sandbox.facebook.errors import APP_THROTTLED, PAGE_THROTTLED
from sandbox.facebook.settings import FacebookSettings

APP_HEADER, PAGE_HEADER = "X-App-Usage", "X-Business-Use-Case-Usage"
FULL = 100


class FacebookLimits:
    """Counts calls against the limits of the settings. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: FacebookSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._windows = Windows(clock)

    def spend(self, operation: str, page_id: str | None) -> tuple[int | None, dict[str, str]]:
        """The code with which a call is refused, None when it fits; and the headers.

        A call that does not fit uses nothing up.
        """
        app = self._window("app", "")
        mine = self._window(operation, page_id or "")
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

    def _window(self, name: str, page_id: str) -> Window:
        return self._windows.find(name, page_id, self._settings.limit_window)


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
