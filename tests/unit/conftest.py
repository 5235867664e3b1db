"""What unit tests talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.scripted import ScriptedServer


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server on loopback that says what the test wrote down."""
    server = ScriptedServer()
    yield server
    server.close()
