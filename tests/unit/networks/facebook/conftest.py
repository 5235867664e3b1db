"""Facebook's client and the sandbox that it speaks to."""

from __future__ import annotations

import pytest

from app.networks.facebook.network import Facebook
from tests.support.facebook import FacebookSandbox


@pytest.fixture
def facebook(facebook_sandbox: FacebookSandbox) -> FacebookSandbox:
    """The server, with nothing in it."""
    facebook_sandbox.control("reset")
    return facebook_sandbox


@pytest.fixture
def client(facebook: FacebookSandbox) -> Facebook:
    """The client."""
    return facebook.network()
