"""The sandbox's Mastodon server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.mastodon import MastodonSandbox


@pytest.fixture(scope="module")
def running() -> Iterator[MastodonSandbox]:
    """One server for all tests of a module."""
    sandbox = MastodonSandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture
def server(running: MastodonSandbox) -> MastodonSandbox:
    """The server, with nothing in it."""
    running.control("reset")
    return running
