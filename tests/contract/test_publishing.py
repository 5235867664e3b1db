"""What holds on every network, through the whole product: rows, worker, and the sandbox.

Every network of the registry is tested; a new one is picked up by itself. All scenarios are
played at the same time, each by somebody of its name with an account on each network.
"""

from __future__ import annotations

import pytest
import requests

from app.db import db
from app.models import Account
from app.networks.base import Network
from app.sentences.delivery import delivery_error
from app.states import HoldReason, State
from tests.conftest import MakeWorld
from tests.support.sandbox import Played, Sandbox
from tests.support.story import NETWORKS, End, Story, Trouble
from tests.support.threads import chains

WAIT = 60.0
"""Seconds for which a network asks us to wait."""


def faulty(kind: str, **fields: object) -> Trouble:
    """Break one create call."""
    return lambda network, handle: network.fault(kind, handle=handle, **fields)


def ended(what: str) -> Trouble:
    """End somebody's tokens: ``access`` where the network tells them apart, or ``all``."""
    return lambda network, handle: network.control("revoke", handle=handle, what=what)


def lose_the_second_part(network: Played, handle: str) -> None:
    """Let the first call pass, and lose the answer of the one after it."""
    network.fault("accept_then_hang", handle=handle, seconds=0.1)
    network.fault("accept_then_drop", handle=handle)


def nothing(_network: Played, _handle: str) -> None:
    """Break nothing."""


LOST = {
    "cut": faulty("accept_then_drop"),
    "hung": faulty("accept_then_hang", seconds=4),
    "broken": faulty("accept_then_status", status=500),
    "away": faulty("accept_then_status", status=503, body_form="html"),
    "garbled": faulty("garbage"),
    "halved": faulty("truncated"),
}
"""Accepted, and the answer was lost or says something else."""
SCENARIOS: dict[str, Trouble] = {
    "calm": nothing,
    "refused": faulty("refuse"),
    "expired": ended("access"),
    "gone": ended("all"),
    "limited": faulty("rate_limit", reset_in=WAIT),
    "dropped": faulty("drop"),
    "down": faulty("status", status=503),
    **LOST,
}

THREAD = ["One of three", "Two of three", "Three of three"]

for_each_network = pytest.mark.parametrize("network", NETWORKS)


@pytest.fixture(scope="module")
def patience() -> dict[str, float]:
    """The seconds that each network asked us to wait."""
    return {}


@pytest.fixture(scope="module")
def story(
    make_lasting_world: MakeWorld, sandbox_program: Sandbox, patience: dict[str, float]
) -> Story:
    """All scenarios, played to their end by one worker."""
    world = make_lasting_world()
    told = Story(world)
    for scenario, trouble in SCENARIOS.items():
        told.connect(scenario)
        for network in NETWORKS:
            trouble(sandbox_program.on(network), scenario)
    told.connect("thread")
    for network in NETWORKS:
        lose_the_second_part(sandbox_program.on(network), "thread")
    world.start_worker()
    for scenario in SCENARIOS:
        told.write(scenario)
    told.write_thread("thread", THREAD)
    patience |= told.let_the_wait_end("limited")
    world.until_settled(list(told.jobs.values()))
    return told


def client_of(story: Story, network: str) -> Network:
    """Return the network's client."""
    return story.world.app.extensions["networks"][network]


def is_out(end: End) -> bool:
    """Whether it is out exactly once, and the row names that very post."""
    ids = [post["id"] for post in end.posts]
    return end.delivery.state == State.PUBLISHED and ids == [end.delivery.remote_id]


@for_each_network
def test_accepted(story: Story, network: str) -> None:
    """Published once, at the first try; its link leads to the post."""
    end = story.end("calm", network)
    assert is_out(end)
    assert len(end.calls) == 1
    page = requests.get(end.delivery.remote_url or "", timeout=10)
    assert (page.status_code, story.text("calm") in page.text) == (200, True)


@for_each_network
def test_refused_content(story: Story, network: str) -> None:
    """Failed, not tried again, and its owner reads why in words."""
    end = story.end("refused", network)
    assert (end.delivery.state, end.posts, len(end.calls)) == (State.FAILED, [], 1)
    title = client_of(story, network).title
    with story.world.app.test_request_context():
        sentence, next_step = delivery_error(end.delivery.error_code or "", title)
    assert title in sentence
    assert next_step


@for_each_network
def test_expired_token(story: Story, network: str) -> None:
    """Refreshed and sent where that is possible; else it waits and its owner is asked."""
    end = story.end("expired", network)
    with story.world.rows():
        account = db.session.get_one(Account, story.accounts["expired", network])
        can_refresh = client_of(story, network).can_refresh(account.credentials)
    if can_refresh:
        assert is_out(end)
    else:
        assert_waits_for_reconnect(end)


@for_each_network
def test_access_taken_back(story: Story, network: str) -> None:
    """It waits for its owner, who is asked to connect again; nothing is sent."""
    assert_waits_for_reconnect(story.end("gone", network))


def assert_waits_for_reconnect(end: End) -> None:
    """Check that only a new sign-in can help."""
    assert (end.delivery.state, end.delivery.hold_reason) == (State.HELD, HoldReason.RECONNECT)
    assert end.posts == []


@for_each_network
def test_rate_limited(story: Story, patience: dict[str, float], network: str) -> None:
    """It waits for as long as the network asks, then goes out by itself."""
    end = story.end("limited", network)
    assert is_out(end)
    assert len(end.calls) == 2
    assert WAIT / 2 < patience[network] < 10 * WAIT


@for_each_network
@pytest.mark.parametrize("scenario", LOST)
def test_accepted_and_the_answer_is_lost(story: Story, scenario: str, network: str) -> None:
    """It is found by looking, and never sent a second time."""
    end = story.end(scenario, network)
    assert is_out(end)
    assert len(end.calls) == 1


@for_each_network
@pytest.mark.parametrize("scenario", ["dropped", "down"])
def test_nothing_arrived(story: Story, scenario: str, network: str) -> None:
    """Sent once more where looking proves that it is not there; elsewhere its owner is asked."""
    end = story.end(scenario, network)
    client = client_of(story, network)
    if client.look_ups_before_resend({}, end.began_at) is None:
        assert (end.delivery.state, end.posts) == (State.REVIEW, [])
        assert len(end.calls) == 1
    else:
        assert is_out(end)
        assert len(end.calls) == 2


@for_each_network
def test_a_part_of_a_thread_is_lost(story: Story, network: str) -> None:
    """The part is found, the rest follows it; where there are no threads it is one post."""
    row = story.end("thread", network).delivery
    sent = story.world.sandbox.on(network).accepted()
    sent = [post for post in sent if any(text in post["text"] for text in THREAD)]
    assert row.state == State.PUBLISHED
    if client_of(story, network).threads:
        assert chains(sent) == [THREAD]
        assert [part["remote_id"] for part in row.posted] == [post["id"] for post in sent]
    else:
        (post,) = sent
        assert all(text in post["text"] for text in THREAD)
