"""One running installation for all tests of a file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sandbox import Sandbox
from tests.support.servers import Valkey
from tests.support.visitor import Visitor
from tests.support.world import World


@pytest.fixture(scope="module")
def running(
    valkey: Valkey,
    sandbox_program: Sandbox,
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Web and worker on SQLite."""
    folder = tmp_path_factory.mktemp("installation")
    path = folder / "tweet-later.sqlite3"
    shutil.copy(sqlite_template, path)
    valkey.flush()
    sandbox_program.reset()
    world = World(folder, f"sqlite:///{path}", valkey, sandbox_program)
    world.start_worker()
    world.site = world.start_web()
    yield world
    world.close()


@pytest.fixture
def visitor(running: World) -> Visitor:
    """Somebody who is not signed in."""
    return Visitor(running.site)


@pytest.fixture
def ana(running: World) -> Visitor:
    """Ana, signed in."""
    running.sandbox.mend()
    visitor = Visitor(running.site)
    visitor.sign_in("ana")
    return visitor


@pytest.fixture
def ben(running: World) -> Visitor:
    """Ben, signed in."""
    visitor = Visitor(running.site)
    visitor.sign_in("ben")
    return visitor
