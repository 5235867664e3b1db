"""What several files of this folder begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MakeWorld
from tests.support.world import World


@pytest.fixture(params=["database", "folder"])
def gallery(
    request: pytest.FixtureRequest, make_world: MakeWorld, database_url: str, tmp_path: Path
) -> World:
    """An installation that keeps the bytes in its database, or in a folder."""
    place = {} if request.param == "database" else {"MEDIA_URL": f"file://{tmp_path}/media"}
    return make_world(database_url, **place)
