"""Two threads that take turns at the loop, so that the one at the loop may answer a request itself.

To wake another thread for a request costs more than many a request itself. So the thread at the
loop goes away from it for a moment to answer; if it is not back in time, the other one goes on with
the loop, and the first one stands by when it has answered.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

LATE = 0.005
"""Seconds for which the loop is left alone at most; then the other thread goes on with it."""
LOOK = 1.0
"""Seconds between two looks for signals, should the system give them to another thread."""
CLOCK, SET_CLOCK = (getattr(os, name, None) for name in ("timerfd_create", "timerfd_settime"))
"""With these one thread wakes another later, without waking it now: Linux, from Python 3.13."""


class Turns:
    """Who is at the loop."""

    def __init__(self, loop: Callable[[], bool]) -> None:
        """Prepare.

        :param loop: attends to everything until the loop has ended, and then returns True; False as
            soon as its thread has lost the turn.
        """
        self._loop = loop
        self._lock = threading.Lock()
        self._turn = 0
        self._is_away = False
        self._has_ended = threading.Event()
        self._fault: BaseException | None = None
        self.has_stand_in = False
        """Whether somebody is there to go on with the loop."""
        self._clock = CLOCK(time.CLOCK_MONOTONIC) if CLOCK else None

    def run(self) -> None:
        """Run the loop in threads of its own until it has ended; signals are taken meanwhile.

        :raises BaseException: what has ended a thread.
        """
        for number in range(1 if self._clock is None else 2):
            threading.Thread(
                target=self._work, args=[not number], name=f"loop-{number}", daemon=True
            ).start()
        while not self._has_ended.wait(LOOK):
            pass
        if self._fault is not None:
            raise self._fault

    def away(self, work: Callable[[], None]) -> bool:
        """Do this work; return whether this thread still has the turn. Have a stand-in first."""
        with self._lock:
            turn, self._is_away = self._turn, True
        self._wake_in(LATE)
        work()
        with self._lock:
            if turn != self._turn:
                return False
            self._is_away = False
        self._wake_in(0)
        return True

    def _wake_in(self, seconds: float) -> None:
        """Wake the stand-in then; never for 0."""
        assert SET_CLOCK is not None
        SET_CLOCK(self._clock, initial=seconds)

    def _work(self, has_turn: bool) -> None:
        try:
            if not has_turn:
                self._stand_by()
            while not self._loop():
                self._stand_by()
        except BaseException as fault:
            self._fault = fault
        self._has_ended.set()

    def _stand_by(self) -> None:
        """Wait until the other thread is late, and take the turn."""
        assert self._clock is not None
        self.has_stand_in = True
        while True:
            os.read(self._clock, 8)
            with self._lock:
                if self._is_away:
                    self._turn += 1
                    self._is_away = self.has_stand_in = False
                    return
