"""New connections are shared out between the processes of the pages."""

from __future__ import annotations

import signal

import psutil
import pytest

from tests.support.raw import crowd, head
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow

MANY = 40
HEALTH = head("/healthz")


def processes_of(world: World, site: str) -> list[psutil.Process]:
    """Return those that answer for these pages, when each of them has begun to."""
    arbiter = psutil.Process(world.processes[-1].pid)

    def have_begun() -> bool:
        with crowd(site, [HEALTH] * 4) as lines:
            assert [line.answer()[0] for line in lines] == [200] * 4
            shares = [clients_of(process, port_of(site)) for process in arbiter.children()]
        return len(shares) == 2 and all(shares)

    wait_for(have_begun, what="both processes")
    return arbiter.children()


def port_of(site: str) -> int:
    """Return the port of an address."""
    return int(site.rpartition(":")[2])


def clients_of(process: psutil.Process, port: int) -> int:
    """Return how many clients a process has."""
    opened = process.net_connections("tcp")
    return sum(one.laddr.port == port and bool(one.raddr) for one in opened)


def test_both_processes_get_connections(running: World) -> None:
    """Whoever keeps one stays with its process, so one process would have most of the work."""
    site = running.start_web(2)
    processes = processes_of(running, site)
    with crowd(site, [HEALTH] * MANY) as lines:
        assert [line.answer()[0] for line in lines] == [200] * MANY
        shares = [clients_of(process, port_of(site)) for process in processes]
    assert sum(shares) == MANY
    assert min(shares) >= MANY // 3, shares


def test_a_process_that_stands_still_holds_nobody_up(running: World) -> None:
    """Connections are not left to it for more than a moment."""
    site = running.start_web(2)
    frozen, _ = processes_of(running, site)
    frozen.send_signal(signal.SIGSTOP)
    try:
        wait_for(lambda: frozen.status() == psutil.STATUS_STOPPED, what="a process that stands")
        with crowd(site, [HEALTH] * MANY) as lines:
            assert [line.answer()[0] for line in lines] == [200] * MANY
    finally:
        frozen.send_signal(signal.SIGCONT)
