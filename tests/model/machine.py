"""The state machine: owners, schedulers, workers and the network, in any order, interrupted."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis.stateful import invariant, rule
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import holds, probes
from app.db import db, rollback_quietly
from app.delivery import dispatcher, pauses, reconciler
from app.delivery.claims import expire_leases, undo_clock_step
from app.models import NetworkBlock, pause
from app.states import AWAKE, HoldReason, State
from tests.model.ground import Ground
from tests.model.interruptions import Interruption, Kind
from tests.model.luck import WELL, Luck, lucks
from tests.model.network import Look
from tests.model.owners import PEOPLE, Owners
from tests.model.worker import ModelWorker

WORKERS = 3

MOSTLY = ["go on"] * 12 + ["write"] * 2 + ["change"] * 2
deeds = st.sampled_from([*MOSTLY, "lose access", "hear again", "end", "pause", "resume", "resume"])


class Machine(Owners):
    """Owners, and three workers with a scheduler each."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.look_ups: list[list[str]] = []
        self.workers = [ground.worker() for _ in range(WORKERS)]
        self.at_work: set[int] = set()

    @rule(deed=deeds, luck=lucks)
    def step(self, deed: str, luck: Luck) -> None:
        """One rule for everything: with one of its own for each, chance would switch some off."""
        does = {
            "go on": self._go_on,
            "write": self.write,
            "change": self.change,
            "lose access": self.lose_access,
            "hear again": self._hear_again,
            "end": self._end,
            "pause": self.pause,
            "resume": self.resume_first,
        }
        does[deed](luck)

    def _go_on(self, luck: Luck) -> None:
        """Whoever can do something does it: a call, a worker, a look-up, a scheduler."""
        able = [self._tick_later]
        if self.look_ups:
            able.append(self._look_up)
        if any(worker.is_busy for worker in self.workers):
            able.append(self._work_somewhere)
        if any(worker.preparations for worker in self.workers):
            able.append(self._prepare)
        if any(worker.calls for worker in self.workers):
            able.append(self._call)
        able[-1 - luck.who % len(able)](luck)

    def _tick_later(self, luck: Luck) -> None:
        """A scheduler looks at the rows; its messages are received at once, later or never."""
        self.ground.time.passes(luck.after)
        interrupted = luck.other % 2 == 0
        found = self.ground.do(self._work_once, self._interruption(luck) if interrupted else None)
        if found is None:
            return
        heard = [*(wake_up.job_ids for wake_up in found.wake_ups), found.unclaimed]
        self.messages += heard
        if found.look_ups:
            self.look_ups.append([i for one in found.look_ups for i in one.job_ids])
        if not luck.silence:
            for job_ids in heard:
                self._worker(luck.which).notify(job_ids)
            self._work(luck.which % WORKERS, self._interruption(luck))

    def _work_once(self) -> dispatcher.DueWork | None:
        try:
            undo_clock_step()
            expire_leases()
            pauses.settle()
            holds.release_forgotten()
            for name in probes.due_probes():
                probes.probe([name])
            return dispatcher.dispatch()
        except SQLAlchemyError:
            rollback_quietly()
            return None

    def _hear_again(self, luck: Luck) -> None:
        """A message comes again, and to anybody."""
        if self.messages:
            self._worker(luck.other).notify(self.messages[-1 - luck.which % len(self.messages)])

    def _work_somewhere(self, luck: Luck) -> None:
        """A worker goes on."""
        busy = [index for index, each in enumerate(self.workers) if each.is_busy]
        self._work(busy[luck.which % len(busy)], self._interruption(luck))

    def _work(self, index: int, interruption: Interruption | None) -> None:
        """Let a worker go on; a crash ends it."""
        crashes = self.ground.interruptions.happened[Kind.CRASH]
        self.at_work.add(index)
        self.ground.do(self.workers[index].work, interruption)
        self.at_work.discard(index)
        if self.ground.interruptions.happened[Kind.CRASH] > crashes:
            self.workers[index] = self.ground.worker()

    def _prepare(self, luck: Luck) -> None:
        """A worker looks for an account's credentials."""
        worker = next(worker for worker in self.workers if worker.preparations)
        self.ground.do(lambda: worker.prepare(luck.renewal))

    def _call(self, luck: Luck) -> None:
        """A call is made; sometimes its worker does not live to hear the answer."""
        able = [index for index, each in enumerate(self.workers) if each.calls]
        chosen = able[luck.which % len(able)]
        self.ground.saw(f"the call is {luck.answer}")
        self.workers[chosen].call(luck.other, luck.answer)
        if luck.silence:
            self.workers[chosen] = self.ground.worker()
        else:
            self._work(chosen, self._interruption(luck))

    def _look_up(self, luck: Luck) -> None:
        """A look-up that was asked for is made."""
        job_ids = self.look_ups.pop(0)
        self.ground.saw(f"the look-up is {luck.look}")
        self.ground.network.look = luck.look
        self.ground.do(lambda: self._reconcile(job_ids), self._interruption(luck))
        self.ground.network.look = Look.SHOWN

    def _reconcile(self, job_ids: list[str]) -> None:
        try:
            reconciler.reconcile(job_ids)
        except SQLAlchemyError:
            rollback_quietly()

    def _end(self, luck: Luck) -> None:
        """A worker is killed, asked to stop, or sleeps while the others go on."""
        if luck.skip > 4:
            self.ground.time.passes(1000)
            return
        if luck.silence:
            self.ground.do(self._worker(luck.which).stop_in_good_order)
        self.workers[luck.which % WORKERS] = self.ground.worker()

    def _worker(self, number: int) -> ModelWorker:
        return self.workers[number % WORKERS]

    def _interruption(self, luck: Luck) -> Interruption | None:
        if luck.kind is None:
            return None
        return Interruption(luck.kind, luck.skip, lambda: self._meanwhile(luck.other))

    def _meanwhile(self, other: int) -> None:
        """What others do while one worker is between two statements."""
        self.ground.saw("somebody works between two statements of another")
        if other == 0:
            self.ground.time.passes(50)
        if other <= 2:
            found = self.ground.do(self._work_once)
            self._worker(other).notify(found.job_ids + found.unclaimed if found else [])
        elif other == 3:
            idle = next(i for i in range(WORKERS) if i not in self.at_work)
            self.ground.do(self.workers[idle].run_to_the_end)
        elif other == 4 and self.look_ups:
            self._look_up(WELL)
        elif self.ledger.jobs:
            self.change_one(other, ("cancel", "edit", "move")[other % 3])

    # What must hold

    @invariant()
    def promise(self) -> None:
        """Checked after every step."""
        self.ground.saw("step")
        if self.users:
            self.ledger.check()
            self.ledger.check_pauses()

    def teardown(self) -> None:
        """The network is well: everything is settled, by a worker that has seen it all."""
        if self.users:
            self.settle(self.workers[0])

    def settle(self, worker: ModelWorker) -> None:
        """Let one worker do all that is left to do."""
        for name in PEOPLE:
            self.connect(name)
        for pause_id in self.ledger.lasting_pauses():
            self.resume(pause_id, pause.Then.SEND)
        for _ in range(300):
            if self._is_settled():
                break
            self._drain_once(worker)
        self.ledger.check_the_end()
        for row in self.ledger.rows().values():
            assert row["state"] != State.HELD or row["hold_reason"] == HoldReason.LATE, row
            self.ground.saw(f"ends as {row['state']}")

    def _drain_once(self, worker: ModelWorker) -> None:
        """Let time pass until the next wake-up, and everything be done."""
        found = self.ground.do(self._work_once)
        assert found is not None
        worker.notify(found.job_ids + found.unclaimed)
        self.ground.do(worker.run_to_the_end)
        if found.look_ups:
            self.look_ups.append([i for one in found.look_ups for i in one.job_ids])
            self._look_up(WELL)
        with self.ground.rows():
            upcoming = dispatcher.seconds_until_next()
        self.ground.time.passes(300 if upcoming is None else upcoming + 0.02)

    def _is_settled(self) -> bool:
        with self.ground.rows() as session:
            stopped = session.scalar(db.select(db.func.count()).select_from(NetworkBlock))
        return not stopped and all(row["state"] not in AWAKE for row in self.ledger.rows().values())
