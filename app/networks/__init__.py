"""The networks: one site is one class and one line here. Nothing in here knows Flask or rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from app.networks.base import Network
from app.networks.bluesky import Bluesky
from app.networks.facebook import Facebook
from app.networks.mastodon import Mastodon
from app.networks.x import X


class Kind(Protocol):
    """A network's class."""

    name: str

    def __call__(self, config: Mapping[str, Any], /) -> Network:
        """Return it, set up."""


REGISTRY: tuple[Kind, ...] = (X, Mastodon, Bluesky, Facebook)


def build(config: Mapping[str, Any]) -> dict[str, Network]:
    """Return every network by name, set up from the app's configuration.

    Those that lack a setting are there too, and say so: ``ready``.
    """
    return {network.name: network(config) for network in REGISTRY}
