"""What workers ask of networks beside tweets: a silent server makes no other's accounts wait."""

from __future__ import annotations

import socket

from app.accounts import connections
from app.db import db
from app.models import Account, User
from app.networks.base import Profile
from tests.conftest import MakeWorld
from tests.support.waiting import wait_for
from tests.support.world import World

CROWD = 40
"""Accounts at the silent server."""


def test_a_silent_server_delays_no_other_limits(make_world: MakeWorld, sqlite_url: str) -> None:
    """Many accounts of one that hangs, whose limits are unknown: another's are soon known."""
    world = make_world(sqlite_url, SEND_TIMEOUT="15")
    with socket.create_server(("127.0.0.1", 0), backlog=128) as hole:
        host = f"127.0.0.1:{hole.getsockname()[1]}"
        for number in range(CROWD):
            at_silent_server(world, host, f"person{number}")
        ana = world.user("ana", "mastodon")
        world.start_worker()
        wait_for(lambda: has_limits(world, ana), what="her limits")


def at_silent_server(world: World, host: str, name: str) -> None:
    """Connect an account there."""
    with world.rows():
        profile = Profile(name, f"{name}@{host}", server=host)
        connections.by_token("mastodon", profile, {"server_url": f"http://{host}"})


def has_limits(world: World, user_id: int) -> bool:
    """True when a worker knows what fits into a tweet of the user's account."""
    with world.rows():
        owner = db.session.get_one(User, user_id)
        return db.session.get_one(Account, owner.accounts[0].id).limits is not None
