"""Each network in its own job: one that hangs does not make the others late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app import pictures
from app.db import db
from app.models import Delivery, User
from app.states import State
from config import CONCURRENCY
from tests.conftest import MakeWorld
from tests.support.bluesky import BlueskySandbox
from tests.support.figures import FULL, Figures, promise_kept, sized
from tests.support.mastodon import MastodonSandbox
from tests.support.photos import colourful, file_of
from tests.support.story import NETWORKS
from tests.support.threads import write_thread
from tests.support.waiting import PATIENCE, free_port, wait_for
from tests.support.world import World

PEOPLE = sized(4, 50)
TWEETS = sized(20, 1000)
"""Written once each, for four accounts."""
WITHIN = sized(2.0, 60.0)
"""Seconds over which they come due."""
WRITING = 0.08
"""Seconds that writing one tweet may take before the first of them is due."""
HANG = 30.0
"""Seconds that the broken network leaves every call without an answer."""
OPERATIONS = ("create", "timeline", "me", "token", "lookup", "upload")
CROWD = 100
"""Tweets of one account that are due at once."""
LATER = 3.0
"""Seconds by which the lateness of 99 of 100 tweets may grow on the other networks."""
SEND_TIMEOUT = 15.0
"""Seconds; a tweet that waited for a call to the broken network would be as late at least."""


@pytest.fixture(params=["mastodon", "bluesky"])
def network(request: pytest.FixtureRequest) -> str:
    """A network of many servers."""
    return str(request.param)


@pytest.fixture
def further(network: str) -> Iterator[MastodonSandbox | BlueskySandbox]:
    """A further server of it."""
    if network == "bluesky":
        with closing(BlueskySandbox()) as pds:
            yield pds
    else:
        server = MastodonSandbox()
        yield server
        server.close()


def connect_everybody(world: World) -> dict[int, list[int]]:
    """Give each person an account on every network; return account ids by owner."""
    owners = [world.user(f"person{n}", NETWORKS[0]) for n in range(PEOPLE)]
    for number, owner in enumerate(owners):
        for network in NETWORKS[1:]:
            world.connect(owner, network, f"person{number}")
    return {owner: world.accounts_of(owner) for owner in owners}


def write_everywhere(
    world: World, people: dict[int, list[int]], name: str
) -> dict[str, dict[str, str]]:
    """Write every tweet for four accounts; return job ids by network and text."""
    first = datetime.now(UTC) + timedelta(seconds=1 + TWEETS * WRITING)
    jobs: dict[str, dict[str, str]] = {network: {} for network in NETWORKS}
    for number in range(TWEETS):
        owner, text = list(people)[number % PEOPLE], f"{name} {number}"
        due = first + timedelta(seconds=WITHIN * number / TWEETS)
        job = world.tweet_later(owner, text, due, people[owner])
        for network, its_job in world.jobs_of(job).items():
            jobs[network][text] = its_job
    return jobs


@pytest.mark.parametrize("broken", NETWORKS if FULL else ["mastodon"])
def test_a_network_that_hangs(make_world: MakeWorld, sqlite_url: str, broken: str) -> None:
    """Thirty seconds a call, whatever is asked: the other three keep the lateness they had."""
    world = make_world(sqlite_url, SEND_TIMEOUT=str(SEND_TIMEOUT), RECONCILE_DELAYS="10,30,90")
    world.start_worker()
    people, others = connect_everybody(world), [name for name in NETWORKS if name != broken]
    calm, _ = wave(world, people, others, "while all answer")
    for operation in OPERATIONS:
        world.sandbox.on(broken).fault("slow", operation, seconds=HANG, count=None)
    hanging, jobs = wave(world, people, others, f"while {broken} hangs")
    for network in others:
        assert hanging[network].p99 < min(calm[network].p99 + LATER, SEND_TIMEOUT), network
    if FULL:
        world.sandbox.on(broken).mend()
        world.until_settled(list(jobs[broken].values()), seconds=900)
        promise_kept(world, jobs[broken], f"{broken} after it hung", broken)


def test_a_server_that_hangs(
    make_world: MakeWorld,
    sqlite_url: str,
    network: str,
    further: MastodonSandbox | BlueskySandbox,
) -> None:
    """One Mastodon or Bluesky server answers nobody: other servers' people do not notice."""
    world = make_world(sqlite_url, SEND_TIMEOUT=str(SEND_TIMEOUT))
    ana, ben = world.user("ana", network), world.user_at(network, further, "ben")
    further.control("faults", kind="slow", operation="create", seconds=HANG, count=None)
    hanging = write_at_once(world, ben, 3 * CONCURRENCY["publish"])
    world.start_worker()
    wait_for(lambda: State.SENDING in states_of(world, hanging), what="a call that hangs")
    jobs = write_at_once(world, ana, 20)
    published = world.until_settled(list(jobs.values()), SEND_TIMEOUT)
    assert set(published.values()) == {State.PUBLISHED}
    assert promise_kept(world, jobs, "beside a silent server", network).p99 < SEND_TIMEOUT
    assert State.PUBLISHED not in states_of(world, hanging)


def states_of(world: World, jobs: dict[str, str]) -> set[str]:
    """Return the states that these jobs are in."""
    return set(world.states(list(jobs.values())).values())


def write_at_once(world: World, user_id: int, count: int) -> dict[str, str]:
    """Write so many tweets for now; return their jobs by text."""
    with world.rows():
        owner = db.session.get_one(User, user_id)
        return {(text := f"{owner.id} says {n}"): owner.tweet_later(text) for n in range(count)}


def test_a_network_that_refuses_connections(make_world: MakeWorld, sqlite_url: str) -> None:
    """Nobody listens there: what is due for it rests, and is not claimed again and again."""
    world = make_world(sqlite_url)
    ana = world.user("ana")
    due = datetime.now(UTC) + timedelta(seconds=CROWD * WRITING)
    jobs = [world.tweet_later(ana, f"Number {number}", due) for number in range(CROWD)]
    world.start_worker(X_API_URL=f"http://127.0.0.1:{free_port()}")
    wait_for(lambda: most(world, jobs, Delivery.tries) >= 3, what="the third try")
    assert most(world, jobs, Delivery.fence) < 9


def test_pictures_that_do_not_arrive(make_world: MakeWorld, sqlite_url: str) -> None:
    """Its uploads hang: the account's tweets that need none go out after the first of them."""
    world = make_world(sqlite_url)
    ana = world.user("ana")
    world.sandbox.fault("slow", "upload", seconds=HANG, count=None)
    pictured = [with_a_picture(world, ana, f"Look {number}") for number in range(8)]
    plain = world.tweet_later(ana, "Only words")
    world.start_worker()
    world.until_state(plain, State.PUBLISHED)
    assert most(world, pictured, Delivery.tries) == 1


def with_a_picture(world: World, user_id: int, text: str) -> str:
    """Write a tweet with a picture, due now; return its job."""
    with world.rows():
        owner = db.session.get_one(User, user_id)
        picture_id = pictures.accept(owner, file_of(colourful()), "photo.jpg").id
    return write_thread(world, user_id, [text], {0: [picture_id]})


def most(world: World, jobs: list[str], column: Any) -> int:
    """Return the largest number that any of these jobs has in a column."""
    with world.rows():
        return db.session.scalar(db.select(db.func.max(column)).where(Delivery.id.in_(jobs))) or 0


def wave(
    world: World, people: dict[int, list[int]], networks: list[str], name: str
) -> tuple[dict[str, Figures], dict[str, dict[str, str]]]:
    """Write a wave of tweets and wait until they are out on these networks.

    :return: their figures, and the jobs of all networks by text.
    """
    jobs = write_everywhere(world, people, name)
    watched = [job for network in networks for job in jobs[network].values()]
    states = world.until_settled(watched, seconds=sized(PATIENCE, 300.0))
    assert set(states.values()) == {State.PUBLISHED}
    figures = {
        network: promise_kept(world, jobs[network], f"{network} {name}", network)
        for network in networks
    }
    return figures, jobs
