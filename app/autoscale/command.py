"""Starts and stops workers with a program of the operator's."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from typing import ClassVar

from app.autoscale.driver import Driver, ScalingFailed
from app.untrusted import MAX_DETAIL

SECONDS = 15.0
"""After which the program is ended: shorter than the lease of the process that calls it."""


class CommandDriver(Driver):
    """Calls a program with the number of workers as its last argument."""

    name: ClassVar[str] = "command"

    def __init__(self, words: Sequence[str], timeout: float = SECONDS) -> None:
        self._words, self._timeout = words, timeout

    def scale(self, count: int) -> None:
        """Call the program; it is done when it exits with 0. What it prints goes into our log.

        :raises ScalingFailed: it exits with something else, takes too long, or is not there.
        """
        try:
            command = [*self._words, str(count)]
            ended = subprocess.run(
                command, stdin=subprocess.DEVNULL, timeout=self._timeout, check=False
            )
        except subprocess.TimeoutExpired:
            reason = f"the command took longer than {self._timeout:g} seconds"
            raise ScalingFailed(reason, outcome_is_known=False) from None
        except OSError as error:
            raise ScalingFailed(f"the command cannot be run: {error}"[:MAX_DETAIL]) from None
        if ended.returncode:
            raise ScalingFailed(f"the command exited with {ended.returncode}")
