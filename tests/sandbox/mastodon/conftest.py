"""The sandbox's Mastodon, and somebody who publishes there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.mastodon import MastodonSandbox


@pytest.fixture
def server(mastodon_sandbox: MastodonSandbox) -> MastodonSandbox:
    """The server, with nothing in it."""
    mastodon_sandbox.control("reset")
    return mastodon_sandbox


@pytest.fixture
def ana(server: MastodonSandbox) -> dict[str, Any]:
    """Ana's token."""
    return server.mint("ana")
