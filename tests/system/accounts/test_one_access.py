"""Facebook knows one access for all Pages of a person: it ends with the last of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.accounts import connections, disconnections
from app.db import db
from app.models import Account
from app.networks import Connection
from app.networks.errors import TokenRefused
from tests.support.facebook import CALLBACK, visit
from tests.support.world import World


@pytest.fixture
def consent(world: World) -> Callable[[str], list[Connection]]:
    """Let somebody consent; return their Pages."""

    def given(handle: str) -> list[Connection]:
        client = world.app.extensions["networks"]["facebook"]
        asked = client.begin({}, CALLBACK)
        found: list[Connection] = client.finish(
            asked.memory, visit(asked.url, handle=handle), CALLBACK
        )
        return found

    return given


def works(world: World, connection: Connection) -> bool:
    """Return whether Facebook still takes the token of a Page."""
    try:
        world.app.extensions["networks"]["facebook"].who_am_i(connection.credentials)
    except TokenRefused:
        return False
    return True


def leave(connection: Connection) -> None:
    """Disconnect a Page, as its owner and then a worker do it."""
    account_id = db.session.scalars(
        db.select(Account.id).filter_by(remote_id=connection.profile.remote_id)
    ).one()
    disconnections.disconnect(account_id)
    disconnections.finish([account_id])


def test_the_last_page_ends_it(world: World, consent: Callable[[str], list[Connection]]) -> None:
    """While another Page of the person is connected, whoever has it, nothing is ended."""
    with world.rows():
        first, second, third = consent("ana")
        connections.sign_in("facebook", [first, second])
        connections.add("facebook", [third], world.user("ben"))
        others = consent("dora")
        connections.sign_in("facebook", others)
        for one, after in ((first, True), (third, True), (second, False)):
            leave(one)
            assert [works(world, page) for page in (first, second, third)] == [after] * 3
        assert all(works(world, page) for page in others)


def test_what_is_refused_ends_no_other(
    world: World, consent: Callable[[str], list[Connection]]
) -> None:
    """Consent that leads to nothing is taken back, unless Pages of that person are connected."""
    with world.rows():
        first, second, _third = consent("ana")
        connections.sign_in("facebook", [first])
        disconnections.end_access("facebook", second.profile, second.credentials, 1e12)
        assert works(world, first)
        nobody = consent("dora")[0]
        disconnections.end_access("facebook", nobody.profile, nobody.credentials, 1e12)
        assert not works(world, nobody)
