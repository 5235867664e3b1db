"""The sandbox's Bluesky, and somebody who publishes there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.bluesky import BlueskySandbox


@pytest.fixture
def bluesky(bluesky_sandbox: BlueskySandbox) -> BlueskySandbox:
    """The server, with nothing in it."""
    bluesky_sandbox.control("reset")
    return bluesky_sandbox


@pytest.fixture
def ana(bluesky: BlueskySandbox) -> dict[str, Any]:
    """Ana's session."""
    return bluesky.credentials("ana")
