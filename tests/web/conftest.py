"""People who visit the running installation."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from app.models import User
from tests.conftest import MakeWorld
from tests.support.desk import Desk
from tests.support.visitor import Visitor
from tests.support.world import World


@pytest.fixture
def visitor(running: World) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(running.site)


@pytest.fixture
def ana(running: World) -> Visitor:
    """Ana, signed in."""
    running.sandbox.mend()
    visitor = Visitor(running.site)
    visitor.sign_in("ana")
    return visitor


@pytest.fixture
def ben(running: World) -> Visitor:
    """Ben, signed in."""
    visitor = Visitor(running.site)
    visitor.sign_in("ben")
    return visitor


ConnectSomebody = Callable[..., dict[str, int]]


@pytest.fixture
def connect_somebody(running: World, visitor: Visitor) -> ConnectSomebody:
    """Sign in somebody new by X, with an account on each of these networks: ids by network."""

    def connect(*networks: str) -> dict[str, int]:
        running.sandbox.mend()
        handle = f"p{uuid.uuid4().hex[:10]}"
        visitor.sign_in(handle)
        with running.rows():
            user = User.by_handle(handle)
            user_id, first = user.id, user.accounts[0].id
        return {"x": first, **{name: running.connect(user_id, name, handle) for name in networks}}

    return connect


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pages(request: pytest.FixtureRequest, make_lasting_world: MakeWorld) -> World:
    """Pages without a worker, on each database; all tests of a file share them."""
    world = make_lasting_world(request.param)
    world.site = world.start_web()
    return world


@pytest.fixture
def desk(pages: World) -> Desk:
    """What operators see, on each database."""
    pages.empty()
    return Desk(pages)
