"""Both ways to make a call: in a thread, and on an event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.networks import http
from app.networks.http import calls
from tests.support.creates import Call, sending


@pytest.fixture(autouse=True)
def _anew() -> None:
    """What the environment says is known for each address, and addresses come again."""
    calls.environment_of.cache_clear()


@pytest.fixture(params=["call", "send"])
def call(request: pytest.FixtureRequest) -> Iterator[Call]:
    """``http.call``, and ``http.send`` in a form that blocks: both give the same guarantees."""
    if request.param == "call":
        yield http.call
        return
    with sending() as send:
        yield send
