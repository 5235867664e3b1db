"""The publisher starts when there is something to publish, and ends when there is not."""

from __future__ import annotations

import threading

from app.states import State
from app.workers.publisher_thread import PublisherThread
from tests.support.waiting import wait_for
from tests.support.world import World


def test_a_publisher_without_work_is_closed(small_world: World) -> None:
    """Nothing of it is left, and the next tweet opens another."""
    ana = small_world.user("ana")
    others = set(threading.enumerate())

    def working() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread not in others]

    publishers = PublisherThread(small_world.app, idle_seconds=0.2)
    for text in ("Good morning", "Good night"):
        job = small_world.tweet_later(ana, text)
        with small_world.rows():
            publishers.put([job], {})
        assert "publisher" in working()
        small_world.until_state(job, State.PUBLISHED)
        wait_for(lambda: not working(), what="an ended publisher")


def test_what_is_put_while_it_closes_is_published(small_world: World) -> None:
    """Put at any moment around the end of a publisher, each tweet goes out once."""
    ana = small_world.user("ana")
    publishers = PublisherThread(small_world.app, idle_seconds=0)
    for number in range(60):
        job = small_world.tweet_later(ana, f"Number {number}")
        with small_world.rows():
            publishers.put([job], {})
        small_world.until_state(job, State.PUBLISHED)
    assert small_world.sandbox.calls() == 60
