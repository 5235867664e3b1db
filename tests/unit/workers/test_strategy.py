"""What the consumer does with messages of publish: while there is room, and while there is none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from celery import Celery
from kombu import Message

from app.networks import Destination
from app.shutdown import stopping
from app.workers.publisher_thread import ROOM_SECONDS
from app.workers.strategy import CROWDED_PAUSE_SECONDS, straight_to_the_publisher

SERVER = Destination("mastodon", "a.example")


def publish(job_ids: list[str], keys: list[str] | None = None) -> None:
    """Stand for the task."""


class Publisher:
    """Stands for the publisher of a process."""

    def __init__(self, room: bool) -> None:
        self.room = room
        self.waited: list[float] = []
        self.given: list[tuple[list[str], dict[str, Destination]]] = []

    def has_room(self, seconds: float = 0) -> bool:
        """Say what the test wants."""
        self.waited.append(seconds)
        return self.room

    def put(self, job_ids: list[str], servers: dict[str, Destination]) -> None:
        """Note what comes."""
        self.given.append((job_ids, servers))


class Consumer:
    """Celery's consumer, as far as a strategy needs it, with a publisher or without one."""

    def __init__(self, publisher: Publisher | None, events: bool = False) -> None:
        self.app = Celery("tests", set_as_current=False)
        extensions = {"publisher": publisher} if publisher else {}
        self.app.flask_app = SimpleNamespace(extensions=extensions)
        self.task = self.app.task(name="publish", shared=False)(publish)
        self.celerys = MagicMock()
        self.celerys.event_dispatcher.enabled = events
        self.celerys.controller.state.revoked = set()
        self.celerys.disable_rate_limits = True
        self.handle: Callable[..., Any] = straight_to_the_publisher(
            self.task, self.app, self.celerys
        )

    def take(self, *arguments: Any, **named: Any) -> None:
        """Take a message for the task with these arguments, made as Celery makes it."""
        made = self.app.amqp.as_task_v2("an-id", "publish", arguments, named)
        message = Message(
            body=json.dumps(made.body),
            content_type="application/json",
            content_encoding="utf-8",
            headers=made.headers,
            properties=made.properties,
            delivery_info={"routing_key": "publish", "exchange": ""},
        )
        self.handle(message, None, MagicMock(), MagicMock(), [])

    @property
    def left_to_celery(self) -> int:
        """How many messages went the usual way: to a thread, which runs the task."""
        return int(self.celerys.on_task_request.call_count)


@pytest.fixture(autouse=True)
def _not_stopping() -> Iterator[None]:
    """Leave the process as it was."""
    yield
    stopping.clear()


def test_ids_go_to_the_publisher() -> None:
    """With the servers that the message names, and without a thread."""
    publisher = Publisher(room=True)
    consumer = Consumer(publisher)
    consumer.take(["one", "two"], [SERVER.key, ""])
    assert publisher.given == [(["one", "two"], {"one": SERVER})]
    assert publisher.waited == [ROOM_SECONDS]
    assert consumer.left_to_celery == 0


def test_a_crowded_publisher_gets_one_message_a_second() -> None:
    """It was waited for already; what comes nevertheless waits on a thread, and not many do."""
    publisher = Publisher(room=False)
    consumer = Consumer(publisher)
    begin = time.monotonic()
    for _ in range(2):
        consumer.take(["one"])
    assert time.monotonic() - begin >= 2 * CROWDED_PAUSE_SECONDS
    assert publisher.given == []
    assert publisher.waited == [ROOM_SECONDS] * 2
    assert consumer.left_to_celery == 2


def test_a_worker_that_stops_does_not_pause() -> None:
    """Its time is short."""
    consumer = Consumer(Publisher(room=False))
    stopping.set()
    begin = time.monotonic()
    consumer.take(["one"])
    assert time.monotonic() - begin < CROWDED_PAUSE_SECONDS
    assert consumer.left_to_celery == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], {}),
        ([["one"], [], "more"], {}),
        ([["one", 2]], {}),
        (["one"], {}),
        ([["one"]], {"a": 1}),
    ],
)
def test_odd_messages_are_celerys_to_judge(arguments: list[Any], named: dict[str, Any]) -> None:
    """The task refuses them as it refuses any call that is wrong."""
    publisher = Publisher(room=True)
    consumer = Consumer(publisher)
    consumer.take(*arguments, **named)
    assert publisher.given == []
    assert consumer.left_to_celery == 1


@pytest.mark.parametrize("events", [False, True])
def test_the_usual_way(events: bool) -> None:
    """Without a publisher, and while somebody listens to Celery's events, which tasks send."""
    consumer = Consumer(Publisher(room=True) if events else None, events)
    consumer.take(["one"])
    assert consumer.left_to_celery == 1
