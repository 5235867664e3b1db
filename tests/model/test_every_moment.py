"""One short story, interrupted at each of its moments in turn: nothing is left to chance here."""

from __future__ import annotations

import pytest

from tests.model.ground import Ground
from tests.model.interruptions import Interruption, Kind
from tests.model.luck import Luck
from tests.model.machine import Machine
from tests.model.network import Answer, Renewal
from tests.model.owners import PEOPLE
from tests.support.figures import FULL, sized

pytestmark = pytest.mark.timeout(sized(600, 3600))

MOST = 100
"""More moments than the story has."""


class Story(Machine):
    """Three tweets of one owner: accepted, perhaps accepted, refused; and the first look-up."""

    def tell(self, kind: Kind, skip: int) -> bool:
        """Tell it with one interruption, and how it ends; False when it was over before that."""
        self.begin(skew=0, duplicates=False)
        self.write(Luck(other=1))
        self.ground.time.passes(6)
        found = self.ground.do(self._work_once)
        self.workers[0].notify(found.job_ids if found else [])
        before = self.ground.interruptions.happened.total()
        self.ground.do(self._live, Interruption(kind, skip))
        if kind == Kind.CRASH:
            self.workers[0] = self.ground.worker()
        self.ledger.check()
        self.teardown()
        return self.ground.interruptions.happened.total() > before

    def _live(self) -> None:
        """One process does everything; a crash is the end of it."""
        worker = self.workers[0]
        worker.work()
        for answer in (Answer.TAKEN, Answer.TAKEN_SILENTLY, Answer.REFUSED):
            if worker.calls:
                worker.call(0, answer)
                worker.work()
        self.ground.time.passes(15)
        found = self._work_once()
        if found and found.look_ups:
            self._reconcile(found.look_ups)


class Renewals(Machine):
    """Two owners' tweets, whose worker is not answered when it refreshes their access."""

    def tell(self, skip: int) -> bool:
        """Tell it with one statement that fails; the same worker goes on. False: none did."""
        self.begin(skew=0, duplicates=False)
        worker = self.workers[0]
        for who, name in enumerate(PEOPLE):
            self.ground.network.end_access(name)
            self.write(Luck(who=who))
        self.ground.time.passes(6)
        found = self.ground.do(self._work_once)
        worker.notify(found.job_ids if found else [])
        before = self.ground.interruptions.happened.total()
        while worker.preparations < len(PEOPLE):
            self.ground.do(worker.work)
            while worker.calls:
                worker.call(0, Answer.TAKEN)
        while worker.preparations:
            self.ground.do(lambda: worker.prepare(Renewal.UNCLEAR))
        self.ground.do(worker.work, Interruption(Kind.FAILED, skip))
        self.ground.time.passes(120)
        self.settle(worker)
        return self.ground.interruptions.happened.total() > before


def test_a_worker_goes_on_after_any_statement_that_failed(database_url: str) -> None:
    """What it had under way is not under way for ever: it publishes everything itself."""
    ground = Ground(database_url)
    try:
        moments = next(n for n in range(MOST) if not Renewals(ground).tell(n))
    finally:
        ground.close()
    assert moments >= 2, "the story is not told"


KINDS = [Kind.CRASH, Kind.CUT, Kind.FAILED, Kind.UNACKNOWLEDGED]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_any_moment_may_be_the_last(database_url: str, kind: Kind) -> None:
    """Wherever a crash or a lost connection comes, nothing is doubled, lost or left alone."""
    # Only SQLite has ever begun a transaction too late: there, no crash is left out.
    everywhere = kind in {Kind.CRASH, Kind.FAILED} and database_url.startswith("sqlite")
    stride = 1 if FULL or everywhere else 5
    ground = Ground(database_url)
    try:
        moments = next(n for n in range(0, MOST, stride) if not Story(ground).tell(kind, n))
    finally:
        ground.close()
    print(f"\n{moments} moments, one in {stride} tried: {kind}")
    # It has nine commits, and four times as many statements.
    assert moments >= 9, "the story is not told"
