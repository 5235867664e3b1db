"""A program of the operator's that starts and stops workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.autoscale.command import CommandDriver
from app.autoscale.driver import ScalingFailed


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that writes down what it is called with, and fails for more than two."""
    file = tmp_path / "scale.sh"
    file.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$2" -le 2 ]\n')
    file.chmod(0o700)
    return file


def test_the_number_is_the_last_argument(program: Path) -> None:
    """After the words that the operator gave; nobody can count afterwards."""
    driver = CommandDriver([str(program), "workers"])
    driver.scale(2)
    driver.scale(0)
    assert program.with_name("calls").read_text() == "workers 2\nworkers 0\n"
    assert driver.count() is None


def test_what_fails_is_told(program: Path, tmp_path: Path) -> None:
    """Another exit code, no such program, one that takes too long."""
    with pytest.raises(ScalingFailed, match="exited with 1"):
        CommandDriver([str(program), "workers"]).scale(3)
    with pytest.raises(ScalingFailed, match="cannot be run"):
        CommandDriver([str(tmp_path / "none")]).scale(1)
    with pytest.raises(ScalingFailed, match=r"longer than 0\.1 seconds") as told:
        CommandDriver(["/bin/sh", "-c", "sleep 5"], timeout=0.1).scale(1)
    assert not told.value.outcome_is_known
