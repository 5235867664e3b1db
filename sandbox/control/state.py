"""What the states of all networks share: one lock, a clock, faults, counts, and an end."""

import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from sandbox.control.history import History
from sandbox.control.interests import Interests
from sandbox.core import Clock, Knobs, Stopped, Store
from sandbox.faults import FaultBoard

SettingsOf = TypeVar("SettingsOf", bound=Knobs)


@dataclass
class Calls:
    """How often each operation was called, accepted or not, since the start or the last reset."""

    by_operation: dict[str, int] = field(default_factory=dict)

    def count(self, operation: str) -> None:
        """Count one more call."""
        self.by_operation[operation] = self.by_operation.get(operation, 0) + 1


class UnknownPost(LookupError):
    """There is no post of that id, or no more."""


@dataclass
class Reads:
    """How many posts, likes and follows were returned, by whose they are."""

    by_handle: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, handle: str, what: str, many: int) -> None:
        """Count what one answer holds."""
        usual = {"posts": 0, "likes": 0, "follows": 0}
        self.by_handle.setdefault(handle, usual)[what] += many


class State(Generic[SettingsOf]):
    """The books of one network. Hold ``lock`` while reading or changing any of them."""

    def __init__(self, store: Store, clock: Clock, settings: SettingsOf) -> None:
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.clock = clock
        self.settings = settings
        self.faults = FaultBoard(clock)
        self.calls = Calls()
        self.reads = Reads()
        self.interests = Interests(store)
        self.resets = 0
        self._store = store

    def change_settings(self, changes: dict[str, Any]) -> None:
        """Change settings, all or none. Raises BadSetting."""
        with self.lock:
            self.settings.change(changes)
            if "clock_offset" in changes:
                self.clock.offset = self.settings.clock_offset

    def facts(self, handle: str | None = None, with_tweets: bool = True) -> dict[str, Any]:
        """What happened so far, for tests: see the README for the fields."""
        raise NotImplementedError

    def past(self, handle: str | None = None) -> list[dict[str, Any]]:
        """The posts that came with a history, oldest first."""
        raise NotImplementedError

    def add_history(self, handle: str, history: History) -> History:
        """Give somebody a past; returns what of it this network keeps.

        Call with the lock held. Raises ValueError for a bad handle.
        """
        raise NotImplementedError

    def edit_post(self, post_id: str, text: str) -> dict[str, Any]:
        """Change a post's text as its author; returns it. Raises UnknownPost."""
        raise NotImplementedError

    def delete_post(self, post_id: str) -> dict[str, Any]:
        """Delete a post as its author; returns it. Raises UnknownPost."""
        raise NotImplementedError

    def reset(self, keep_tokens: bool = False) -> None:
        """Forget posts, faults, counts and changed settings; people and tokens unless kept."""
        raise NotImplementedError

    def _start_over(self) -> None:
        """Forget likes, follows, faults, counts and changed settings.

        Calls that wait come from before: no more.
        """
        self.resets += 1
        self.faults.remove()
        self.calls.by_operation.clear()
        self.reads.by_handle.clear()
        self.interests.clear()
        self.change_settings(type(self.settings)().as_dict())

    def check_running(self) -> None:
        """Raise Stopped once the sandbox has begun to stop. Call with the lock held."""
        if self.stopping.is_set():
            raise Stopped

    def close(self) -> None:
        """Accept nothing more, wake whoever sleeps, and write everything down."""
        with self.lock:
            self.stopping.set()
        self._store.close()

    def _facts(
        self,
        accepted: list[dict[str, Any]],
        repeated: Iterable[tuple[str, str, int]],
        people: Iterable[Any],
        with_tweets: bool,
    ) -> dict[str, Any]:
        """What happened so far, as the README says.

        ``repeated`` is ``(handle, text, times)`` of what an account posted more than once.
        """
        return {
            "accepted_count": len(accepted),
            "create_calls": self.calls.by_operation.get("create", 0),
            "calls": dict(self.calls.by_operation),
            "reads": {who: dict(many) for who, many in self.reads.by_handle.items()},
            "duplicates": [
                {"handle": handle, "text": text, "count": times} for handle, text, times in repeated
            ],
            "faults": self.faults.active(),
            "settings": self.settings.as_dict(),
            "people": [asdict(person) for person in people],
        } | ({"tweets": accepted} if with_tweets else {})
