"""A new network takes what docs/adding-a-network.md says, and nothing else.

The page lists the files that the program needs. A network that exists only here, Noticeboard in
tests/contract/toy/, is added to a copy of the program by exactly that list; then web and worker of
the copy keep the promises of delivery on it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from app.states import State
from tests.contract.toy.board import Board
from tests.mutants import builds
from tests.mutants.builds import Mutant
from tests.support.sandbox import ROOT, Sandbox
from tests.support.servers import Valkey
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

TOY = Path(__file__).parent / "toy"
NAME = "noticeboard"
OWN = "app/networks/<name>/"
CHANGES = [
    Mutant(
        "app/networks/__init__.py",
        "from app.networks.text import TextProblem\n",
        "from app.networks.noticeboard import Noticeboard\n"
        "from app.networks.text import TextProblem\n",
    ),
    Mutant(
        "app/networks/__init__.py",
        "(X, Mastodon, Bluesky, Facebook)\n",
        "(X, Mastodon, Bluesky, Facebook, Noticeboard)\n",
    ),
    Mutant(
        "config.py",
        "ADDRESSES = {\n",
        'ADDRESSES = {\n    "NOTICEBOARD_URL": "https://noticeboard.example",\n',
    ),
]
"""The lines that a new network changes in files that are there already."""


def needed() -> list[str]:
    """Return the files that the page says the program needs."""
    page = (ROOT / "docs" / "adding-a-network.md").read_text("utf-8")
    section = page.partition("## What the program needs\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def build(folder: Path) -> Path:
    """Copy the program, and do what the page says: new files, then lines in others."""
    builds.build(folder, None)
    own = folder / OWN.replace("<name>", NAME)
    own.mkdir()
    for file in needed():
        if file.startswith(OWN):
            shutil.copy(TOY / NAME / file.removeprefix(OWN), own)
        for change in CHANGES:
            if change.file == file:
                builds.change(folder, change)
    return folder


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    """The network's server."""
    server = Board()
    yield server
    server.close()


@pytest.fixture(scope="module")
def world(
    valkey: Valkey,
    sandbox_program: Sandbox,
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
    board: Board,
) -> Iterator[World]:
    """Web and worker of the copy, with the board's address in their environment."""
    folder = tmp_path_factory.mktemp("toy")
    path = folder / "tweet-later.sqlite3"
    shutil.copy(sqlite_template, path)
    valkey.flush()
    url = f"sqlite:///{path}"
    world = World(folder, url, valkey, sandbox_program, NOTICEBOARD_URL=board.url)
    world.root = build(folder / "build")
    world.start_worker()
    world.site = world.start_web()
    yield world
    world.close()


def publish(world: World, name: str) -> tuple[Visitor, str]:
    """Let somebody sign in with their token and write; return their browser and the job."""
    visitor = Visitor(world.site)
    page = visitor.submit(f"/login/{NAME}", token=f"token-of-{name}")
    assert page.ok, page.text
    written = visitor.post("/tweets", text=f"A notice of {name}")
    assert written.status_code == 202, written.text
    return visitor, written.json()["job_id"]


def until_state(visitor: Visitor, job_id: str, state: State) -> dict[str, Any]:
    """Wait until the status page says that a job is in this state; return all that it says."""

    def answer() -> dict[str, Any] | None:
        told = visitor.status(job_id)
        return told if told["state"] == state else None

    return wait_for(answer, what=f"{state} on the status page")


def test_the_page_names_every_file() -> None:
    """The toy has no file that the page does not name, and the page asks for none in vain."""
    own = {f"{OWN}{path.name}" for path in (TOY / NAME).glob("*.py")}
    assert set(needed()) == own | {change.file for change in CHANGES}


def test_it_is_offered(world: World) -> None:
    """The start page has its name, and its form has its fields."""
    visitor = Visitor(world.site)
    assert f'href="/login/{NAME}"' in visitor.get("/").text
    assert 'name="token"' in visitor.get(f"/login/{NAME}").text


def test_a_wrong_token_connects_nobody(world: World) -> None:
    """Who has no token there is told so in words."""
    page = Visitor(world.site).submit(f"/login/{NAME}", token="invented")
    assert (page.status_code, "Noticeboard did not complete" in page.text) == (422, True)


def test_accepted(world: World, board: Board) -> None:
    """Published once; its link leads to the notice."""
    visitor, job_id = publish(world, "ana")
    told = visitor.until_final(job_id)
    assert told["status"] == "done"
    assert requests.get(told["url"], timeout=10).json()["text"] == "A notice of ana"
    assert len(board.of("ana")) == 1


def test_refused(world: World, board: Board) -> None:
    """Failed, not tried again, and its owner reads why."""
    board.faults["ben"] = "refused"
    visitor, job_id = publish(world, "ben")
    told = visitor.until_final(job_id)
    assert (told["state"], told["error"]["code"]) == (State.FAILED, "rejected")
    assert "Noticeboard" in told["error"]["message"]
    assert board.calls.count("ben") == 1


def test_limited(world: World, board: Board) -> None:
    """It waits for as long as the board asks, then goes out by itself."""
    board.faults["cleo"] = "limited"
    visitor, job_id = publish(world, "cleo")
    assert visitor.until_final(job_id)["status"] == "done"
    assert (board.calls.count("cleo"), len(board.of("cleo"))) == (2, 1)


def test_the_answer_is_lost(world: World, board: Board) -> None:
    """It is found by looking, and never sent a second time."""
    board.faults["dora"] = "lost"
    visitor, job_id = publish(world, "dora")
    told = visitor.until_final(job_id)
    (notice,) = board.of("dora")
    assert (told["status"], told["url"]) == ("done", notice["url"])
    assert board.calls.count("dora") == 1


def test_nothing_arrived(world: World, board: Board) -> None:
    """Sent once more after all look-ups came back empty."""
    board.faults["emil"] = "dropped"
    visitor, job_id = publish(world, "emil")
    assert visitor.until_final(job_id)["status"] == "done"
    assert (board.calls.count("emil"), len(board.of("emil"))) == (2, 1)


def test_access_ended(world: World, board: Board) -> None:
    """It waits until its owner connects the account again."""
    visitor, job_id = publish(world, "finn")
    assert visitor.until_final(job_id)["status"] == "done"
    board.ended.add("finn")
    held_id = visitor.post("/tweets", text="Another one").json()["job_id"]
    told = until_state(visitor, held_id, State.HELD)
    assert told["error"]["code"] == "reconnect"
    assert len(board.of("finn")) == 1
