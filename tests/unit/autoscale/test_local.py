"""Workers as processes of this one: the Procfile's line, started, counted and told to stop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.autoscale.driver import ScalingFailed
from app.autoscale.local import LocalDriver
from tests.support.waiting import wait_for

ENDS_WITH_INPUT = "exec cat"
"""What stops, as a worker does, when its input ends."""


def driver_of(folder: Path, command: str) -> LocalDriver:
    """Return a driver for a Procfile with this worker."""
    procfile = folder / "Procfile"
    procfile.write_text(f"web: exec false\nworker: {command}\nrelease: exec false\n")
    return LocalDriver(procfile)


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[LocalDriver]:
    """A driver whose workers end with their input."""
    driver = driver_of(tmp_path, ENDS_WITH_INPUT)
    yield driver
    driver.let_go()
    driver.join(5)


def children() -> int:
    """Return how many processes of this one live."""
    alive = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    return len(alive)


def test_they_come_and_go(driver: LocalDriver) -> None:
    """As many as are wanted; those that were told to stop are not counted any more."""
    before = children()
    driver.scale(3)
    assert driver.count() == 3
    assert children() == before + 3
    driver.scale(1)
    assert driver.count() == 1
    wait_for(lambda: children() == before + 1, what="the others' end")
    driver.let_go()
    driver.join(5)
    assert driver.count() == 0
    assert children() == before


def test_one_that_crashes_is_told_once(tmp_path: Path) -> None:
    """Whoever starts it again knows that it failed; one that ended as it was asked to did not."""
    driver = driver_of(tmp_path, "exit 3")
    driver.scale(1)

    def crashed() -> str:
        try:
            driver.count()
        except ScalingFailed as error:
            return str(error)
        return ""

    assert wait_for(crashed, what="the crash") == "a worker ended with 3"
    assert driver.count() == 0
    driver = driver_of(tmp_path, "exit 0")
    driver.scale(1)
    wait_for(lambda: driver.count() == 0, what="the end")


def test_without_a_worker_in_the_procfile(tmp_path: Path) -> None:
    """A sentence says what is missing."""
    (tmp_path / "Procfile").write_text("web: exec false\n")
    with pytest.raises(ScalingFailed, match="no line for a worker"):
        LocalDriver(tmp_path / "Procfile").scale(1)
    with pytest.raises(ScalingFailed, match="cannot be read"):
        LocalDriver(tmp_path / "none").scale(1)
