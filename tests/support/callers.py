"""``python -m tests.support.callers URL``: many threads call for ever, with start deadlines.

They compute between their calls, as a busy worker does, so that each waits for the others.
"""

from __future__ import annotations

import contextlib
import sys
import threading

from app.networks import http
from app.workers.process import switch_less

THREADS = 100
GO = 0.2
"""Seconds after which a call may not begin."""


def call_for_ever(url: str) -> None:
    """Call, naming in the body the moment after which nothing may be written."""
    while True:
        start_by = http.boottime() + GO
        with contextlib.suppress(http.NotSent, http.NoResponse):
            http.call("POST", url, timeout=3, start_by=start_by, data=str(start_by))
        sum(range(50_000))


if __name__ == "__main__":
    switch_less()
    for _ in range(THREADS):
        threading.Thread(target=call_for_ever, args=(sys.argv[1],), daemon=True).start()
    threading.Event().wait()
