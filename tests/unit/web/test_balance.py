"""Which process of the pages takes a new connection."""

from __future__ import annotations

import pytest

from app.server.balance import PROCESSES, TOO_OLD, Balance

NOW = 1_000.0


@pytest.mark.parametrize(
    ("mine", "others", "has_many"),
    [
        (0, [], False),
        (500, [], False),
        (1, [0], False),
        (2, [0], True),
        (9, [8], False),
        (9, [6], True),
        (9, [30, 6, 20], True),
        (9, [30, 8, 20], False),
        (110, [97], False),
        (110, [90], True),
    ],
)
def test_whoever_has_many_waits(mine: int, others: list[int], has_many: bool) -> None:
    """Measured by whoever has fewest; a few more are none, the more there are the more so."""
    balance = Balance()
    balance.say(7, mine, NOW)
    for number, count in enumerate(others, 8):
        balance.say(number, count, NOW)
    assert balance.has_many(7, mine, NOW) is has_many


def test_only_who_spoke_lately_counts() -> None:
    """Nobody waits for a process that was killed, or has said that it stops."""
    balance = Balance()
    balance.say(1, 0, NOW)
    balance.say(2, 0, NOW)
    balance.leave(2)
    assert balance.has_many(3, 5, NOW + TOO_OLD / 2)
    assert not balance.has_many(3, 5, NOW + TOO_OLD)


def test_numbers_of_processes_grow_without_end() -> None:
    """gunicorn counts each process it starts."""
    balance = Balance()
    balance.say(PROCESSES + 1, 5, NOW)
    balance.say(PROCESSES + 2, 0, NOW)
    assert balance.has_many(PROCESSES + 1, 5, NOW)
    assert not balance.has_many(PROCESSES + 2, 0, NOW)
