"""A process that is stopped in the middle of its calls and wakes after they should have begun."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator

import pytest

from app.networks import http
from tests.support.callers import GO
from tests.support.figures import sized
from tests.support.sandbox import ROOT
from tests.support.scripted import ScriptedServer, Seen
from tests.support.waiting import wait_for

STOPS = sized(4, 8)
RESIDUE = 2
"""Of hundreds of calls that are under way at the stops, a few microseconds each remain."""


class EagerServer(ScriptedServer):
    """Says yes to everything."""

    def next_answer(self, seen: Seen) -> tuple[int, bytes]:
        """Remember a request and accept it."""
        self.seen.append(seen)
        return 200, b"{}"


@pytest.fixture
def server() -> Iterator[EagerServer]:
    """A server that accepts everything."""
    server = EagerServer()
    yield server
    server.close()


@pytest.fixture
def callers(server: EagerServer) -> Iterator[subprocess.Popen[bytes]]:
    """A process that calls it with many threads."""
    command = [sys.executable, "-m", "tests.support.callers", server.url]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    yield process
    process.kill()
    process.wait()


def test_who_slept_past_the_start_deadline_writes_nothing(
    server: EagerServer, callers: subprocess.Popen[bytes]
) -> None:
    """Stopped at any moment between storing an intent and its first byte, it stays silent."""
    wait_for(lambda: len(server.seen) > 500, what="calls")
    late = sum(late_calls(server, callers) for _ in range(STOPS))
    assert late <= RESIDUE, f"{late} calls began after they should have"


def late_calls(server: EagerServer, callers: subprocess.Popen[bytes]) -> int:
    """Stop the process until no call under way may begin; return how many then did."""
    time.sleep(random.uniform(0.1, 0.3))  # the moment of the fault
    os.kill(callers.pid, signal.SIGSTOP)
    os.waitpid(callers.pid, os.WUNTRACED)
    arrived = until_silent(server)
    time.sleep(GO)  # the length of the fault
    wakes_at = http.boottime()
    os.kill(callers.pid, signal.SIGCONT)
    wait_for(lambda: goes_since(server, wakes_at), what="new calls")
    return sum(float(seen.body) < wakes_at for seen in server.seen[arrived:])


def until_silent(server: EagerServer) -> int:
    """Wait until all that was written has arrived; return how many calls that were."""
    counts: deque[int] = deque(maxlen=8)

    def silent() -> bool:
        counts.append(len(server.seen))
        return len(counts) == 8 and counts[0] == counts[-1]

    wait_for(silent, what="silence")
    return counts[-1]


def goes_since(server: EagerServer, moment: float) -> bool:
    """True when many calls have arrived whose intents are younger than this."""
    return sum(float(seen.body) > moment + GO for seen in server.seen[-300:]) > 200
