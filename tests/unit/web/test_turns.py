"""Two threads take turns at a loop: one goes on with it while the other is away for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from app.server.turns import CLOCK, Turns
from tests.support.waiting import wait_for

Work = Callable[[], None]


class Looper:
    """A loop that does what is put before it, away from the loop as soon as somebody stands by."""

    def __init__(self) -> None:
        self.turns = Turns(self.loop)
        self.work: list[Work] = []
        self.looks: list[str] = []
        """Which thread has looked, each time."""
        self.kept: list[bool] = []
        """Of each work, whether the thread had the turn after it."""
        self.is_over = False

    def loop(self) -> bool:
        """Look for work until it is over."""
        while not self.is_over:
            self.looks.append(threading.current_thread().name)
            if self.work and self.turns.has_stand_in:
                self.kept.append(self.turns.away(self.work.pop()))
                if not self.kept[-1]:
                    return False
            time.sleep(0.0002)
        return True


@contextmanager
def looping() -> Iterator[Looper]:
    """Have a loop run."""
    looper = Looper()
    running = threading.Thread(target=looper.turns.run)
    running.start()
    try:
        yield looper
    finally:
        looper.is_over = True
        running.join(10)
    assert not running.is_alive()


@pytest.mark.skipif(CLOCK is None, reason="nobody can stand by on this system")
def test_who_is_late_stands_by() -> None:
    """The other thread goes on with the loop meanwhile, and is stood in for in its turn."""
    with looping() as looper:
        for _ in range(3):
            wait_for(lambda: looper.turns.has_stand_in, 10, "a stand-in")
            mine, released = looper.looks[-1], threading.Event()
            looper.work.append(lambda until=released: until.wait(10))
            wait_for(lambda was=mine: looper.looks[-1] != was, 10, "the other thread")
            assert not looper.turns.has_stand_in
            released.set()
        wait_for(lambda: looper.kept == [False] * 3, 10, "their return")


@pytest.mark.skipif(CLOCK is None, reason="nobody can stand by on this system")
def test_who_is_quick_keeps_the_loop() -> None:
    """What took no time leaves the other thread asleep, however often."""
    with looping() as looper:
        looper.work += [lambda: None] * 200
        wait_for(lambda: len(looper.kept) == 200, 30, "all of it")
    # Late is who was held up by the machine, too; that must be the exception.
    assert looper.kept.count(True) > 150


def test_a_fault_ends_it() -> None:
    """A process whose loop fails ends, and gunicorn starts another."""

    def loop() -> bool:
        raise RuntimeError("no descriptor left")

    with pytest.raises(RuntimeError, match="no descriptor left"):
        Turns(loop).run()
