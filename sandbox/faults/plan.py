"""Faults that people and tests set: what goes wrong, for whom, how often."""

import itertools
import random
import threading
from dataclasses import asdict, dataclass, fields
from typing import Any

from sandbox.core import Clock

OPERATIONS = (
    "create",
    "timeline",
    "token",
    "me",
    "code",
    "lookup",
    "delete",
    "upload",
    "likes",
    "follows",
    "mail",
)
LISTS = ("timeline", "likes", "follows")
BEFORE = ("slow", "refuse", "status", "drop", "redirect", "rate_limit", "credits")
AFTER = ("accept_then_status", "accept_then_drop", "accept_then_hang", "garbage", "truncated")
LOOP = "page_loop"
GROUPS = ("short", "user-day", "app-day", "retry-after", "none")
CHOICES: dict[str, tuple[Any, ...]] = {
    "operation": OPERATIONS,
    "kind": (*BEFORE, *AFTER, LOOP),
    "group": GROUPS,
    "how": ("reset", "close"),
    "body_form": ("old", "new", "html"),
}
FOREVER = None


class BadFault(ValueError):
    """A fault that cannot be set; the message says why."""


@dataclass
class Fault:
    """One thing that goes wrong with an operation.

    ``skip`` is how many more times it does not happen yet, ``count`` how many more times it then
    does (None: forever), ``for_seconds`` how long from now, ``seconds`` the delay of slow and
    accept_then_hang, ``reset_in`` the seconds until a rate limit ends.
    """

    id: int
    operation: str
    kind: str
    handle: str | None = None
    skip: int = 0
    count: int | None = 1
    probability: float = 1.0
    for_seconds: float | None = None
    seconds: float = 5.0
    status: int | None = None
    body: Any = None
    body_form: str = "old"
    group: str = "short"
    reset_in: float = 30.0
    how: str = "reset"
    until: float | None = None

    @property
    def stage(self) -> str:
        """``before`` the operation is carried out, on its ``page``, or ``after``."""
        if self.kind == LOOP:
            return "page"
        return "before" if self.kind in BEFORE else "after"

    def fits(self, operation: str, handle: str | None, stage: str, now: float) -> bool:
        """Whether this fault is due for a call of ``operation`` by ``handle``."""
        return (
            self.operation == operation
            and self.stage == stage
            and (self.handle is None or self.handle == (handle or "").lower())
            and (self.until is None or now < self.until)
            and (self.probability >= 1 or random.random() < self.probability)
        )


class FaultBoard:
    """The faults that are set, oldest first; the first that fits is taken."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._faults: list[Fault] = []

    def add(self, wanted: dict[str, Any]) -> Fault:
        """Set a fault described as in the README's table. Raises BadFault."""
        fault = _checked(dict(wanted), next(self._ids))
        if fault.for_seconds is not None:
            fault.until = self._clock.now() + fault.for_seconds
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(
        self, operation: str, handle: str | None, stage: str, but_not: str | None = None
    ) -> Fault | None:
        """The fault to play for this call, if any but of one kind; counts it as played."""
        now = self._clock.now()
        with self._lock:
            self._forget_ended(now)
            for fault in self._faults:
                if fault.kind == but_not or not fault.fits(operation, handle, stage, now):
                    continue
                if not fault.skip:
                    return self._played(fault)
                fault.skip -= 1
        return None

    def loops(self, operation: str, handle: str | None) -> bool:
        """Whether the page that is being answered shall lead to itself; counts it as played."""
        return self.take(operation, handle, "page") is not None

    def active(self) -> list[dict[str, Any]]:
        """The faults that can still happen, as JSON values."""
        with self._lock:
            self._forget_ended(self._clock.now())
            return [asdict(fault) for fault in self._faults]

    def remove(self, fault_id: int | None = None) -> None:
        """Take one fault off the board, or all of them."""
        with self._lock:
            self._faults = [f for f in self._faults if fault_id is not None and f.id != fault_id]

    def _played(self, fault: Fault) -> Fault:
        if fault.count is not FOREVER:
            fault.count -= 1
            if fault.count == 0:
                self._faults.remove(fault)
        return fault

    def _forget_ended(self, now: float) -> None:
        self._faults = [f for f in self._faults if f.until is None or now < f.until]


def _checked(wanted: dict[str, Any], fault_id: int) -> Fault:
    unknown = set(wanted) - ({field.name for field in fields(Fault)} - {"id", "until"})
    if unknown:
        raise BadFault(f"unknown field {min(unknown)!r}")
    if "kind" not in wanted:
        raise BadFault(f"kind is one of {', '.join(CHOICES['kind'])}")
    wanted.setdefault("operation", "create")
    wanted.setdefault("count", FOREVER if wanted.get("for_seconds") is not None else 1)
    for name, choices in CHOICES.items():
        if name in wanted and wanted[name] not in choices:
            raise BadFault(f"{name} is one of {', '.join(choices)}")
    if wanted["kind"] == LOOP and wanted["operation"] not in LISTS:
        raise BadFault(f"{LOOP} is for {', '.join(LISTS)}")
    _check_numbers(wanted)
    if wanted.get("handle") is not None:
        wanted["handle"] = str(wanted["handle"]).lstrip("@").lower()
    return Fault(id=fault_id, **wanted)


def _check_numbers(wanted: dict[str, Any]) -> None:
    skip, count = wanted.get("skip", 0), wanted["count"]
    if type(skip) is not int or skip < 0:
        raise BadFault("skip is a whole number from 0")
    if count is not FOREVER and (type(count) is not int or count < 1):
        raise BadFault("count is a whole number from 1, or null for ever")
    for name in ("for_seconds", "seconds", "reset_in", "probability"):
        value = wanted.get(name)
        if value is not None and (type(value) not in (int, float) or value < 0):
            raise BadFault(f"{name} is a number from 0")
    status = wanted.get("status")
    if status is not None and (type(status) is not int or not 400 <= status <= 599):
        raise BadFault("status is a number from 400 to 599")
