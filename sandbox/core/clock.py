"""The sandbox's own time, which tests may move forward."""

import time
from datetime import UTC, datetime


class Clock:
    """Real time plus an offset; expiry and windows are measured on it.

    The moments that callers see (``created_at``, ids, OAuth 1.0a timestamps) stay real, so that
    moving the clock ages codes, tokens and windows without dating a Tweet into the future.
    """

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since the epoch on the sandbox's clock."""
        return time.time() + self.offset

    def to_real(self, moment: float) -> float:
        """The real epoch second at which the sandbox's clock will show ``moment``."""
        return moment - self.offset


def iso(seconds: float) -> str:
    """``seconds`` since the epoch as RFC 3339 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
