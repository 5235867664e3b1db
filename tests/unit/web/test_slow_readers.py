"""Who takes a long answer slowly has a thread for so long and no longer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from app.server.connection import MAX_KEPT, MIN_TAKEN, ClientGone, Output

PIECE = bytes(64 * 1024)
MUCH = 20 * MAX_KEPT


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection; ours never blocks."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


def answer(ours: socket.socket, max_stall: float) -> None:
    """Send a long answer as a thread does, piece by piece."""
    output = Output(ours, max_stall)
    while output.sent < MUCH:
        output.sendall(PIECE)
        output.wait_for_room()


@pytest.mark.parametrize("at_a_time", [0, MIN_TAKEN // 200])
def test_a_reader_who_takes_little_is_gone(
    ends: tuple[socket.socket, socket.socket], at_a_time: int
) -> None:
    """Nothing at all, or something again and again that never comes to much."""
    ours, theirs = ends
    is_over = threading.Event()

    def read() -> None:
        while at_a_time and not is_over.wait(0.01):
            theirs.recv(at_a_time)

    reader = threading.Thread(target=read)
    reader.start()
    with pytest.raises(ClientGone):
        answer(ours, max_stall=0.3)
    is_over.set()
    reader.join()


def test_a_reader_who_takes_enough_gets_all(ends: tuple[socket.socket, socket.socket]) -> None:
    """However long that is."""
    ours, theirs = ends
    sender = threading.Thread(target=answer, args=(ours, 60.0))
    sender.start()
    taken = 0
    while taken < MUCH:
        taken += len(theirs.recv(MIN_TAKEN))
    sender.join(60)
    assert not sender.is_alive()
