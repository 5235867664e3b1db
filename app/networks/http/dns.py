"""Looks names up with a deadline, which the system's own look-up does not have."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address

Ask = Callable[[str, int], list[str]]
NAME_LOOK_UP_SECONDS = 5.0
MAX_LOOK_UPS = 128
"""Under way at a time; one whose name server is silent takes half a minute."""
MAX_LOOK_UPS_OF_A_ZONE = 8
"""Of these, for names with the same ending: whoever owns one name can invent others below it."""


def ask_system(host: str, port: int) -> list[str]:
    """Return every address of a name, however long that takes. Raises OSError when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("this is not the name of a server") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class _LookUp:
    """One that is under way; everybody who wants the same name waits for it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.found: list[str] = []
        self.error: str | None = None


class Names:
    """Looks each name up in a thread of its own, which is left alone when the time is over."""

    def __init__(
        self,
        ask: Ask = ask_system,
        most: int = MAX_LOOK_UPS,
        of_a_zone: int = MAX_LOOK_UPS_OF_A_ZONE,
    ) -> None:
        self._ask = ask
        self._most, self._of_a_zone = most, of_a_zone
        self._lock = threading.Condition()
        self._under_way: dict[str, _LookUp] = {}
        self._zones: Counter[str] = Counter()

    def addresses_of(
        self, host: str, port: int, seconds: float = NAME_LOOK_UP_SECONDS
    ) -> list[str]:
        """Return every address of a name.

        :raises TimeoutError: it did not end in time, or too many others do not end.
        :raises OSError: the name has no address.
        """
        if is_address(host):
            return [host]
        ends_at = time.monotonic() + seconds
        look_up = self._begun(host.lower(), port, ends_at)
        if not look_up.done.wait(max(0.0, ends_at - time.monotonic())):
            raise TimeoutError("the name look-up took too long")
        if look_up.error is not None:
            raise OSError(look_up.error)
        return list(look_up.found)

    def _begun(self, name: str, port: int, ends_at: float) -> _LookUp:
        """Return the look-up of this name that is under way, begun as soon as there is room."""
        zone = zone_of(name)
        with self._lock:
            while not self._has_room(name, zone):
                if not self._lock.wait(max(0.0, ends_at - time.monotonic())):
                    raise TimeoutError("too many name look-ups do not end")
            if (known := self._under_way.get(name)) is not None:
                return known
            look_up = self._under_way[name] = _LookUp()
            self._zones[zone] += 1
        thread = threading.Thread(
            target=self._run, args=(name, port, look_up), name="name look-up", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system gives no more threads
            self._end(name, look_up)
            raise OSError("no thread is left for a name look-up") from error
        return look_up

    def _has_room(self, name: str, zone: str) -> bool:
        if name in self._under_way:
            return True
        return len(self._under_way) < self._most and self._zones[zone] < self._of_a_zone

    def _run(self, name: str, port: int, look_up: _LookUp) -> None:
        try:
            look_up.found = self._ask(name, port)
        except OSError as error:
            look_up.error = f"{type(error).__name__}: {error}"
        except Exception as error:
            look_up.error = type(error).__name__
        finally:
            self._end(name, look_up)

    def _end(self, name: str, look_up: _LookUp) -> None:
        zone = zone_of(name)
        with self._lock:
            self._under_way.pop(name, None)
            self._zones[zone] -= 1
            if self._zones[zone] <= 0:
                del self._zones[zone]
            self._lock.notify_all()
        look_up.done.set()


names = Names()


def is_address(host: str) -> bool:
    """Whether this is a numeric address, which nobody has to look up."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def zone_of(name: str) -> str:
    """Return the ending that whoever owns a name shares with others: its last two labels."""
    return ".".join(name.rstrip(".").rsplit(".", 2)[-2:])
