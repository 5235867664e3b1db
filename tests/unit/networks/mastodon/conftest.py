"""The sandbox that Mastodon's client speaks to."""

from __future__ import annotations

import pytest

from tests.support.mastodon import MastodonSandbox


@pytest.fixture
def server(mastodon_sandbox: MastodonSandbox) -> MastodonSandbox:
    """The server, with nothing in it."""
    mastodon_sandbox.control("reset")
    return mastodon_sandbox
