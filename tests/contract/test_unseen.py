"""Accepted, the answer lost, and the network's own list does not show it: never a second post."""

from __future__ import annotations

import pytest

from app.states import State
from tests.conftest import MakeWorld
from tests.support.story import NETWORKS, Story

HIDE = {"x": {"read_lag": 300}, "mastodon": {"read_lag": 300}, "facebook": {"read_lag": None}}
"""How each network hides what is there; what is not named here always shows it."""


@pytest.fixture
def story(make_world: MakeWorld, sqlite_url: str) -> Story:
    """Somebody with an account on every network, none of which shows what it has."""
    told = Story(make_world(sqlite_url, RECONCILE_GIVE_UP_AFTER="5"))
    for network, settings in HIDE.items():
        told.world.sandbox.on(network).settings(**settings)
    return told


def test_hidden_posts_are_never_sent_twice(story: Story) -> None:
    """Key, record key or the network's own no to a duplicate tell; where none does, a person."""
    story.connect("hidden")
    for network in NETWORKS:
        story.world.sandbox.on(network).fault("accept_then_drop")
    story.world.start_worker()
    story.write("hidden")
    story.world.until_settled(list(story.jobs.values()))
    for network in NETWORKS:
        end = story.end("hidden", network)
        assert len(end.posts) == 1, network
        client = story.world.app.extensions["networks"][network]
        tells = network not in HIDE or client.look_ups_before_resend({}, end.began_at) is not None
        assert end.delivery.state == (State.PUBLISHED if tells else State.REVIEW), network
