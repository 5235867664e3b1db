"""The sandbox's Bluesky, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.networks.bluesky.network import Bluesky
from tests.support.bluesky import BlueskySandbox, bluesky_at, running_bluesky


@pytest.fixture(scope="module")
def running() -> Iterator[BlueskySandbox]:
    """One server for all tests of a module."""
    with running_bluesky() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: BlueskySandbox) -> BlueskySandbox:
    """The server, as if it had just been started."""
    running.control("reset")
    return running


@pytest.fixture
def bluesky(sandbox: BlueskySandbox) -> Bluesky:
    """The client."""
    return bluesky_at(sandbox.url, SEND_TIMEOUT=1.0)
