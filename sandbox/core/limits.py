"""Fixed windows in which calls are counted, for the rate limits of every network."""

from dataclasses import dataclass

from sandbox.core.clock import Clock


@dataclass
class Window:
    """A fixed window; ``ends_at`` is in seconds on the sandbox's clock."""

    ends_at: float
    used: int = 0


class Windows:
    """The windows that are open, by the name of the limit and whose it is."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[tuple[str, str], Window] = {}

    def find(self, name: str, owner: str, seconds: float) -> Window:
        """Return the open window; a new one of this length when the last one has ended."""
        now = self._clock.now()
        window = self._open.get((name, owner))
        if window is None or window.ends_at <= now:
            window = self._open[name, owner] = Window(ends_at=now + seconds)
        return window

    def clear(self) -> None:
        """Forget what was used."""
        self._open.clear()
