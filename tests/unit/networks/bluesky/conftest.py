"""Bluesky's client and the sandbox that it speaks to."""

from __future__ import annotations

import pytest

from app.networks.bluesky.network import Bluesky
from tests.support.bluesky import BlueskySandbox, bluesky_at


@pytest.fixture
def sandbox(bluesky_sandbox: BlueskySandbox) -> BlueskySandbox:
    """The server, with nothing in it."""
    bluesky_sandbox.control("reset")
    return bluesky_sandbox


@pytest.fixture
def bluesky(sandbox: BlueskySandbox) -> Bluesky:
    """The client."""
    return bluesky_at(sandbox.url)
