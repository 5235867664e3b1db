"""What the server asks the app before it takes a request."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

BULKHEADS = {"pages": 4, "networks": 36, "files": 2, "health": 2, "refusals": 1}
"""The threads of a process, by what they are for; a request waits for those of its bulkhead alone.

More pages at a time would only contend for the database.
"""
REFUSAL = "tweet_later.refusal"
"""In a request's environ: the status with which the app must refuse it, without reading it."""


class Policy:
    """What holds for an app that says nothing else."""

    body_timeout = 20.0
    """Seconds within which a body must have come."""
    head_timeout = 10.0
    """Seconds within which the first bytes and the whole head must have come."""
    most_bytes = 256 * 1024
    """The largest body of anybody."""

    def bulkhead_of(self, _path: str) -> str:
        """Return which of BULKHEADS answers a path."""
        return "networks"

    def may_be_larger(self, _headers: Mapping[str, str]) -> bool:
        """Return whether it is worth asking ``larger_limit``; called in the loop, must be quick.

        :param _headers: by their names in capitals.
        """
        return False

    def larger_limit(self, _environ: dict[str, Any]) -> tuple[int, Hashable]:
        """Return how large this request's body may be, and who sends it; called in a thread."""
        return self.most_bytes, None
