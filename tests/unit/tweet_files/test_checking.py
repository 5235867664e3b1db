"""How a file of tweets names accounts."""

from __future__ import annotations

import pytest

from app.models import Account
from app.tweet_files import checking

ACCOUNTS = [
    Account(network="x", handle="ana"),
    Account(network="mastodon", handle="ana@127.0.0.1:3000"),
]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("x:ana", 0),
        ("X:@Ana", 0),
        ("ana", 0),
        ("mastodon:ana@127.0.0.1:3000", 1),
        ("ana@127.0.0.1:3000", 1),
    ],
)
def test_a_server_may_have_a_port(name: str, index: int) -> None:
    """Only the first colon, and only behind a network's name, ends that name."""
    assert checking._named(name, ACCOUNTS) is ACCOUNTS[index]


@pytest.mark.parametrize("name", ["mastodon:ana", "facebook:ana", "x:", ":ana"])
def test_nobody_is_meant(name: str) -> None:
    """A wrong network, or no handle."""
    with pytest.raises(checking.RowProblem):
        checking._named(name, ACCOUNTS)
