"""The sandbox's Facebook, and somebody who publishes there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.facebook import FacebookSandbox


@pytest.fixture
def facebook(facebook_sandbox: FacebookSandbox) -> FacebookSandbox:
    """The server, with nothing in it."""
    facebook_sandbox.control("reset")
    return facebook_sandbox


@pytest.fixture
def ana(facebook: FacebookSandbox) -> dict[str, Any]:
    """The token of Ana's Page."""
    return facebook.mint("ana")
