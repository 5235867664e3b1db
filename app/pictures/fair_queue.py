"""Decides which picture a process makes next: one at a time, due tweets first, then by person.

Decoding needs much memory, so a process decodes only one picture at a time.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MAX_REMEMBERED = 10_000
"""Number of people whose last turn is remembered; above it, the memory is cleared."""


class LastTurns:
    """The number of each person's last turn. Only one thread may use it at a time."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._last: dict[int, int] = {}

    def had_one(self, person: int) -> None:
        """Note that it was this person's turn."""
        if len(self._last) >= MAX_REMEMBERED:
            self._last.clear()
        self._last[person] = next(self._numbers)

    def of(self, person: int) -> int:
        """Return the number of a person's last turn, 0 for none: the smallest is next."""
        return self._last.get(person, 0)


@dataclass(eq=False, slots=True)
class _Waiting:
    is_due: bool
    person: int
    number: int


class FairQueue:
    """A lock that is not first come, first served."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: list[_Waiting] = []
        self._last = LastTurns()
        self._is_taken = False

    @contextmanager
    def turn(self, person: int = 0, *, is_due: bool = False) -> Iterator[None]:
        """Wait for the turn and hold it until the end of the block.

        :param person: the id of the picture's owner, 0 for no particular person.
        :param is_due: a due tweet waits for this picture, so it goes before all others.
        """
        me = _Waiting(is_due, person, next(self._numbers))
        with self._changed:
            self._waiting.append(me)
            try:
                self._changed.wait_for(lambda: not self._is_taken and self._next() is me)
                self._is_taken = True
                self._last.had_one(person)
            finally:
                self._waiting.remove(me)
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()

    def _next(self) -> _Waiting:
        return min(
            self._waiting, key=lambda one: (not one.is_due, self._last.of(one.person), one.number)
        )


turns = FairQueue()
"""Of this process."""
