"""The parts of an installation: real servers, one of each for a test process."""

from __future__ import annotations

import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support import forking
from tests.support.bluesky import BlueskySandbox
from tests.support.facebook import FacebookSandbox
from tests.support.figures import FULL
from tests.support.mastodon import MastodonSandbox
from tests.support.sandbox import Sandbox
from tests.support.scripted import ScriptedServer
from tests.support.servers import Postgres, Valkey
from tests.support.stalls import Pulse
from tests.support.world import TOKEN_KEY, World

TWINS = ({"sqlite", "postgresql"}, {"light", "dark"})
"""Of the ids of tests: two ways to run the same."""
ALWAYS_BOTH = ("chaos", "contract", "model", "system/db", "system/delivery")
"""Folders of tests of the engine: its promise is held on each database every time."""

NEVER_AGAIN = (*ALWAYS_BOTH, "mutants")
"""Folders whose tests count once: a tweet that was doubled once was doubled."""

SHORT = ("sandbox", "unit", "web")
"""Folders of short files."""

PULSE = pytest.StashKey[Pulse]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Watch whether this process stands still."""
    session.config.stash[PULSE] = Pulse()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin to watch for this test."""
    item.config.stash[PULSE].begin()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose, and say which tests get a second chance after the machine stood still.

    Of twins, run one where whole folders run, by lot, and both where somebody chose tests.
    ``CHAOS=full`` runs both of all. A lot falls the same way each time.
    """
    for item in items:
        if not _place(item).startswith(NEVER_AGAIN):
            pulse = config.stash[PULSE]
            item.add_marker(pytest.mark.flaky(reruns=1, condition=pulse.stood_still))
    if config.option.keyword or not all(Path(place).is_dir() for place in config.args):
        return
    items.sort(key=_turns(items))
    if FULL:
        return
    left_out = [item for item in items if _is_left_out(item)]
    items[:] = [item for item in items if item not in set(left_out)]
    config.hook.pytest_deselected(items=left_out)


def _turns(items: list[pytest.Item]) -> Callable[[pytest.Item], tuple[bool, float, str]]:
    """Return the order of files: browsers spread among those that mostly wait, short ones last.

    Two cores have no room for browsers side by side, and the last file should not be a long one.
    """
    kinds: dict[str, list[Path]] = {"busy": [], "waiting": [], "short": []}
    for path in dict.fromkeys(item.path for item in items):
        folder = path.relative_to(Path(__file__).parent).parts[0]
        kind = "busy" if folder == "browser" else "short" if folder in SHORT else "waiting"
        kinds[kind].append(path)
    turns = {
        path: (kind == "short", number / len(paths))
        for kind, paths in kinds.items()
        for number, path in enumerate(paths)
    }
    return lambda item: (*turns[item.path], str(item.path))


def _is_left_out(item: pytest.Item) -> bool:
    place = _place(item)
    spec = getattr(item, "callspec", None)
    if spec is None or place.startswith(ALWAYS_BOTH):
        return False
    ids = set(spec.id.split("-"))
    name = getattr(item, "originalname", item.name)
    return any(
        ids & twins == {sorted(twins)[zlib.crc32(f"{place} {name}".encode()) % 2]}
        for twins in TWINS
    )


def _place(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).as_posix()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """A Redis-protocol server; emptied before each test that takes a world."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sandbox_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The sandbox, running."""
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"))
    sandbox.start()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(sandbox_program: Sandbox) -> Sandbox:
    """The sandbox, with nothing in it."""
    sandbox_program.reset()
    return sandbox_program


@pytest.fixture(scope="session")
def mastodon_sandbox() -> Iterator[MastodonSandbox]:
    """A Mastodon server in a thread; who takes it resets it."""
    with closing(MastodonSandbox()) as server:
        yield server


@pytest.fixture(scope="session")
def bluesky_sandbox() -> Iterator[BlueskySandbox]:
    """Bluesky in a thread; who takes it resets it."""
    with closing(BlueskySandbox()) as server:
        yield server


@pytest.fixture(scope="session")
def facebook_sandbox() -> Iterator[FacebookSandbox]:
    """Facebook in a thread; who takes it resets it."""
    with closing(FacebookSandbox()) as server:
        yield server


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server on loopback that says what the test wrote down."""
    with closing(ScriptedServer()) as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[tuple[Postgres, str]]:
    """A PostgreSQL server and the name of its migrated, empty template."""
    # Not pytest's own folder: it is closed to the user that the server runs as under root.
    folder = tempfile.mkdtemp(prefix="tweet-later-")
    server = Postgres(Path(folder) / "postgres")
    server.write_lazily()
    template = server.create()
    migrate(server.url(template))
    yield server, template
    server.close()
    # Files of hundreds of databases: nobody waits for that, least of all the last tests.
    remove = ["nice", "-n", "19", "rm", "-rf", folder]
    os.posix_spawnp("nice", remove, os.environ, setpgroup=0)


def migrate(database_url: str) -> None:
    """Bring a database to the newest version, as the release process does."""
    environ = {
        "PATH": "",
        "DATABASE_URL": database_url,
        "SECRET_KEY": "only for tests",
        "TOKEN_KEYS": TOKEN_KEY,
    }
    done = forking.shared().run(["flask", "--app", "app", "db", "upgrade"], environ)
    assert done.returncode == 0, done.stderr


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind."""
    return _database(request, tmp_path, request.param)


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty SQLite database."""
    return _database(request, tmp_path, "sqlite")


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty PostgreSQL database."""
    return _database(request, tmp_path, "postgresql")


def _database(request: pytest.FixtureRequest, folder: Path, kind: str) -> str:
    if kind == "sqlite":
        path = folder / "tweet-later.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    server, template = request.getfixturevalue("postgres")
    return server.url(server.create(template))


MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(valkey: Valkey, sandbox: Sandbox, tmp_path: Path) -> Iterator[MakeWorld]:
    """Make installations on a given database; all of them end with the test."""
    worlds: list[World] = []
    valkey.flush()

    def make(database_url: str, **environ: str) -> World:
        worlds.append(World(tmp_path, database_url, valkey, sandbox, **environ))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def world(make_world: MakeWorld, database_url: str) -> World:
    """An installation on each database."""
    return make_world(database_url)


@pytest.fixture
def small_world(make_world: MakeWorld, sqlite_url: str) -> World:
    """An installation on SQLite."""
    return make_world(sqlite_url)


@pytest.fixture(scope="module")
def make_lasting_world(
    request: pytest.FixtureRequest,
    valkey: Valkey,
    sandbox_program: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MakeWorld]:
    """Make installations that all tests of a file share; they end with the file."""
    valkey.flush()
    sandbox_program.reset()
    worlds: list[World] = []

    def make(kind: str = "sqlite", **environ: str) -> World:
        folder = tmp_path_factory.mktemp("installation")
        url = _database(request, folder, kind)
        worlds.append(World(folder, url, valkey, sandbox_program, **environ))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


@pytest.fixture(scope="module")
def running(make_lasting_world: MakeWorld) -> World:
    """Web and worker on SQLite."""
    world = make_lasting_world()
    world.start_worker()
    world.site = world.start_web()
    return world


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or None, args=FLAGS
        )
        yield browser
        browser.close()
