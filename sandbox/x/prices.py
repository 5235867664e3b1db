"""What X charges for calls (docs: X limits and prices), in thousandths of a dollar."""

from collections.abc import Iterable

from sandbox.core import Clock
from sandbox.x import errors
from sandbox.x.records import Person
from sandbox.x.settings import XSettings

CREATE, CREATE_WITH_LINK = 15, 200
READ = {"post": 5, "user": 10, "like": 1}
OWNED_READ = 1
FLAT = {"delete": 10, "describe": 5}
"""Operations that cost the same whatever they are about."""
DAY = 86_400


class Ledger:
    """What was spent since the last reset. The caller holds the state's lock."""

    def __init__(self, clock: Clock, settings: XSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._spent = 0
        self._today = 0
        self._read_today: set[tuple[str, str]] = set()

    @property
    def cost_usd(self) -> float:
        """All of it, in dollars."""
        return self._spent / 1000

    def check(self) -> None:
        """Raise XError (402) once the credits are used up; the last call may overdraw them."""
        credits_usd = self._settings.credits_usd
        if credits_usd is not None and self.cost_usd >= credits_usd:
            raise errors.no_credits("old")

    def charge(self, price: int) -> None:
        """Charge a call."""
        self._spent += price

    def charge_reads(self, what: str, ids: Iterable[str], reader: Person, owner_id: str) -> None:
        """Charge each thing that is returned, once in a day (UTC)."""
        today = int(self._clock.now() // DAY)
        if today != self._today:
            self._today, self._read_today = today, set()
        is_owned = reader.handle.lower() == (self._settings.app_owner or "").lower()
        price = OWNED_READ if is_owned and reader.id == owner_id else READ[what]
        new = {(what, one) for one in ids} - self._read_today
        self._read_today |= new
        self._spent += price * len(new)

    def clear(self) -> None:
        """Forget what was spent."""
        self._spent = 0
        self._read_today = set()
