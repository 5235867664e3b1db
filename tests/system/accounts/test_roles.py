"""Roles: given by a command, or to the first person who ever signs in where that is asked for."""

from __future__ import annotations

import pytest

from app.accounts import connections
from app.db import db
from app.models import Role, User
from app.networks import Connection
from tests.conftest import MakeWorld
from tests.support.world import World


def sign_in(world: World, handle: str) -> str | None:
    """Sign in as the consent page would; return the role."""
    with world.rows():
        profile, credentials = world._opened("x", handle)
        done = connections.sign_in("x", [Connection(profile, credentials)])
        return db.session.get_one(User, done.user_id).role


def role_of(world: World, handle: str) -> str | None:
    """Return somebody's role."""
    with world.rows():
        return User.by_handle(handle).role


@pytest.mark.parametrize(("setting", "role"), [("operator", "operator"), ("reader", "reader")])
def test_the_first_person_gets_the_role_that_is_set(
    make_world: MakeWorld, database_url: str, setting: str, role: str
) -> None:
    """Nobody after them does, nor they again after they lost it."""
    world = make_world(database_url, FIRST_USER_ROLE=setting)
    assert sign_in(world, "ana") == role
    assert sign_in(world, "ben") is None
    assert world.flask("user", "demote", "ana").returncode == 0
    assert sign_in(world, "ana") is None


def test_nobody_gets_a_role_otherwise(make_world: MakeWorld, sqlite_url: str) -> None:
    """Neither without the setting, nor by a token, nor once somebody is there."""
    world = make_world(sqlite_url)
    assert sign_in(world, "ana") is None
    later = make_world(sqlite_url, FIRST_USER_ROLE="operator")
    assert sign_in(later, "ben") is None


def test_a_token_gives_no_role(make_world: MakeWorld, sqlite_url: str) -> None:
    """Connecting from a shell is no sign-in."""
    world = make_world(sqlite_url, FIRST_USER_ROLE="operator")
    world.user("ana")
    assert role_of(world, "ana") is None


def test_commands_give_and_take_roles(world: World) -> None:
    """One sentence each; in any spelling of the handle, on the network that is named."""
    world.user("ana")
    done = world.flask("user", "promote", "@Ana")
    assert (done.returncode, done.stdout) == (0, "@Ana may now use the operations page.\n")
    assert role_of(world, "ana") == Role.OPERATOR
    done = world.flask("user", "promote", "ana", "--reader", "--network", "x")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    assert role_of(world, "ana") == Role.READER
    done = world.flask("user", "demote", "ana")
    assert (done.returncode, done.stdout) == (0, "@ana has no role any more.\n")
    assert role_of(world, "ana") is None


@pytest.mark.parametrize(
    "words", [["nobody"], ["ana", "--network", "mastodon"], ["ana", "--network", "?"]]
)
@pytest.mark.parametrize("verb", ["promote", "demote"])
def test_unknown_handles_are_refused(small_world: World, verb: str, words: list[str]) -> None:
    """One sentence, exit 1, nothing changed."""
    small_world.user("ana")
    done = small_world.flask("user", verb, *words)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert role_of(small_world, "ana") is None
