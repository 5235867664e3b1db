"""People who visit the running installation."""

from __future__ import annotations

import pytest

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
