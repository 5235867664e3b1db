"""The networks: one site is one file and one line here. Nothing in here knows Flask or rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.networks.base import Network
from app.networks.x import X

REGISTRY: tuple[type[X], ...] = (X,)


def build(config: Mapping[str, Any]) -> dict[str, Network]:
    """Return every network by name, set up from the app's configuration."""
    return {network.name: network(config) for network in REGISTRY}
