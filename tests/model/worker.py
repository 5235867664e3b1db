"""A worker whose calls and preparations happen when the model says so."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any

from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from app.db import rollback_quietly
from app.delivery.publisher import Publisher
from app.shutdown import stopping
from tests.model.network import Answer, ModelNetwork, Renewal
from tests.model.time import Time


class Waiting(Executor):
    """Keeps what was submitted until it is told to do it."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self.tasks: list[tuple[Callable[[], None], float]] = []

    def submit(self, task: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Remember it, and when it came."""
        self.tasks.append((lambda: task(*args, **kwargs), self._time.ahead))
        return Future()

    def begin(self, task: Callable[..., Any], *args: Any) -> None:
        """Do it later, as ``Executor`` would."""
        self.submit(task, *args)

    def do(self, index: int) -> tuple[Callable[[], None], float]:
        """Take one; return it, and for how many seconds it has slept."""
        task, ahead = self.tasks.pop(index % len(self.tasks))
        return task, self._time.ahead - ahead


class WaitingCalls(Waiting):
    """Keeps the calls that would run on an event loop."""

    def begin(self, work: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> None:
        """Make them later, as ``CallLoop`` would."""
        for arguments in calls:
            self.submit(lambda given=arguments: _finish(work(*given)))


def _finish(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it to its end; the model's network never waits."""
    with suppress(StopIteration):
        coroutine.send(None)
        raise AssertionError("a call of the model's network waited")


class ModelExecutors:
    """What a publisher hands its work to."""

    def __init__(self, time: Time) -> None:
        self.callers = WaitingCalls(time)
        self.refreshers = Waiting(time)
        self.preparers = Waiting(time)


class ModelWorker:
    """One process: a publisher, and the threads that it would have."""

    def __init__(self, network: ModelNetwork, time: Time) -> None:
        self._network = network
        executors = ModelExecutors(time)
        self._calls = executors.callers
        self._preparations = executors.refreshers
        self._publisher = Publisher(executors)
        self._app: Any = current_app._get_current_object()  # type: ignore[attr-defined]

    @property
    def is_busy(self) -> bool:
        """True while there is anything to do or to wait for."""
        return not self._publisher.is_idle

    @property
    def calls(self) -> int:
        """How many calls are about to begin."""
        return len(self._calls.tasks)

    @property
    def preparations(self) -> int:
        """For how many accounts it is about to look for credentials."""
        return len(self._preparations.tasks)

    def notify(self, job_ids: Sequence[str]) -> None:
        """Let these wait for their turn."""
        self._publisher.put(job_ids, {})

    def work(self) -> None:
        """Do all that can be done without waiting; stumble over a database that is away."""
        try:
            self._publisher.step()
        except SQLAlchemyError:
            rollback_quietly()
            self._publisher.forget()

    def prepare(self, renewal: Renewal) -> None:
        """Let the oldest preparation happen."""
        self._network.renewal = renewal
        task, _ = self._preparations.do(0)
        task()
        self._network.renewal = Renewal.GIVEN

    def call(self, index: int, answer: Answer) -> None:
        """Let one call happen."""
        task, self._network.slept = self._calls.do(index)
        self._network.answer = answer
        with self._app.app_context():
            task()
        self._network.answer, self._network.slept = Answer.TAKEN, 0.0

    def run_to_the_end(self) -> None:
        """Work, and let everything happen at once and well, until nothing is left to do."""
        for _ in range(100):
            if self._publisher.is_idle and not self.calls and not self.preparations:
                return
            while self.preparations:
                self.prepare(Renewal.GIVEN)
            while self.calls:
                self.call(0, Answer.TAKEN)
            self.work()
        raise AssertionError("a worker that never ends")

    def stop_in_good_order(self) -> None:
        """SIGTERM: finish what has begun, hand the rest back."""
        stopping.set()
        try:
            self.run_to_the_end()
        finally:
            stopping.clear()
