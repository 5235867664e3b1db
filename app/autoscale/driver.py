"""What every way of starting and stopping workers has to offer."""

from __future__ import annotations

from typing import ClassVar


class ScalingFailed(Exception):
    """Workers could not be started, stopped or counted; the message says why, without secrets."""

    def __init__(
        self, reason: str, *, retry_after: float = 0, outcome_is_known: bool = True
    ) -> None:
        """Tell why.

        :param retry_after: seconds that must pass before the next call.
        :param outcome_is_known: False when it may have been done nevertheless.
        """
        super().__init__(reason)
        self.retry_after = retry_after
        self.outcome_is_known = outcome_is_known


class Driver:
    """Starts and stops workers in one way. Only the web process that decides calls it."""

    name: ClassVar[str]
    owns_workers: ClassVar[bool] = False
    """The workers are processes of this one: counting them costs nothing, and they end with it."""

    def scale(self, count: int) -> None:
        """Let there be so many workers, within a few seconds.

        :raises ScalingFailed: that was refused, or took too long.
        """
        raise NotImplementedError

    def count(self) -> int | None:
        """Return how many workers there really are; None when that cannot be told.

        :raises ScalingFailed: asking failed, or a worker of this process has failed.
        """
        return None

    def let_go(self) -> None:
        """Another process decides from now on: begin to stop the workers that this one owns."""

    def join(self, seconds: float) -> None:
        """Wait until the workers that were let go have ended."""
