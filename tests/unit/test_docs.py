"""The pages are true where a program can tell: paths, names, classes and tables exist.

docs/decisions/ is history and is left out. Each rule is also broken on purpose, to be noticed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import app.models  # noqa: F401 (fills the metadata)
from app.db import db
from app.networks import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
PAGES: Mapping[str, str] = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in sorted(
        [
            *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
            *(ROOT / "docs").glob("*.md"),
            *(ROOT / "docs" / "networks").glob("*.md"),
        ]
    )
}
NETWORKS = [network.name for network in REGISTRY]
FOLDERS = ("app", "benchmarks", "dev", "docs", "migrations", "sandbox", "tests")
PATH = re.compile(
    rf"(?:{'|'.join(FOLDERS)})/[\w./<>*-]*|[\w.*-]+\.(?:py|md|in|txt|toml|css|js|html)"
)
LINK = re.compile(r"\]\(([^)#:]+)(?:#([^)]*))?\)")
FUNCTION = re.compile(r"`(\w+)\(\)`\s+in\s+`([\w/.]+\.py)`")
TRANSITION = re.compile(r"`transitions\.(\w+)\(\)`")
NAME = re.compile(r"`([A-Z]\w+)`\s+(?:in\s+|\()`([\w/.]+\.py)`")
ENGINE = ("delivery", "workers", "models", "broker.py", "backoff.py", "concurrency.py")


def code_in(page: str) -> Iterator[str]:
    """Return every word in backticks, but of blocks, and the pages that are named without any."""
    text = re.sub(r"^ *```.*?^ *```", "", page, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"`([^`\n]+)`", text)
    yield from re.findall(r"(?<![`(/\w])docs/[\w./-]+\.md", text)


def missing_paths(page: str) -> list[str]:
    """Return the paths that a page names and that lead nowhere.

    A bare file name stands for a file of any folder, and ``<name>`` for each network.
    """
    return [
        path
        for word in code_in(page)
        if PATH.fullmatch(word)
        for path in {word.replace("<name>", name) for name in NETWORKS}
        if not any(ROOT.glob(path)) and ("/" in path or not any(files_named(path)))
    ]


def files_named(name: str) -> Iterator[Path]:
    """Return the program's files of this name."""
    for folder in FOLDERS:
        yield from (ROOT / folder).glob(f"**/{name}")


def missing_links(page: str, folder: Path) -> list[str]:
    """Return the links of a page that lead to no file, or to no heading of it."""
    return [
        f"{link}#{heading}"
        for link, heading in LINK.findall(page)
        if not (folder / link).exists() or (heading and heading not in headings(folder / link))
    ]


def headings(file: Path) -> set[str]:
    """Return the headings of a page as links name them."""
    found = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def missing_names(page: str) -> list[str]:
    """Return the functions, classes and constants that are not where a page says."""
    named = [*FUNCTION.findall(page), *NAME.findall(page)]
    named += [(name, "app/models/transitions.py") for name in TRANSITION.findall(page)]
    return [f"{name} in {path}" for name, path in named if not has(path, name)]


def has(path: str, name: str) -> bool:
    """True when a module has a function, a class or a constant of this name."""
    file = ROOT / path
    made = re.compile(rf"^(?: *(?:async def|def|class) {name}\b|{name}\b.* = )", re.MULTILINE)
    return file.exists() and bool(made.search(file.read_text("utf-8")))


@pytest.mark.parametrize("page", PAGES)
def test_paths_exist(page: str) -> None:
    """Whoever follows a page finds the file."""
    assert missing_paths(PAGES[page]) == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Links between pages work."""
    assert missing_links(PAGES[page], (ROOT / page).parent) == []


@pytest.mark.parametrize("page", PAGES)
def test_functions_and_classes_are_where_a_page_says(page: str) -> None:
    """``name()`` in a path is defined there."""
    assert missing_names(PAGES[page]) == []


@pytest.mark.parametrize(
    "page",
    [
        "see `app/gone.py`",
        "see `docs/networks/<name>/gone.md`",
        "its `gone.py`",
        "`tests/gone/`",
        "docs/gone.md says why",
    ],
)
def test_a_wrong_path_is_noticed(page: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert missing_paths(page)


@pytest.mark.parametrize(
    "page",
    [
        "`gone()` in `app/broker.py`",
        "`transitions.gone()`",
        "`Gone` in `app/broker.py`",
        "`Gone` (`app/broker.py`)",
    ],
)
def test_a_wrong_name_is_noticed(page: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert missing_names(page)


@pytest.mark.parametrize("link", ["gone.md", "delivery.md#gone"])
def test_a_wrong_link_is_noticed(link: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert missing_links(f"[there]({link})", ROOT / "docs")


# The glossary


def classes_of_the_engine() -> set[str]:
    """Return the name of every class of the engine, hidden ones too."""
    places = [ROOT / "app" / place for place in ENGINE]
    files = [
        file for place in places for file in (place.glob("*.py") if place.is_dir() else [place])
    ]
    return {
        node.name
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }


def test_the_glossary_has_every_class() -> None:
    """Each class of the engine has one line, and each line a class."""
    _, _, classes = PAGES["docs/glossary.md"].partition("## Delivery")
    listed = re.findall(r"^\| `(\w+)` \|", classes, re.MULTILINE)
    assert sorted(listed) == sorted(classes_of_the_engine())


# The data model

BLOCK = re.compile(r"^    (\w+) \{\n(.*?)^    \}", re.DOTALL | re.MULTILINE)
COLUMN = re.compile(r"^ {8}\w+ (\w+)(?: ((?:PK|FK)(?:, FK)?))?(?: \"[^\"]*\")?$", re.MULTILINE)
RELATION = re.compile(r"^    (\w+) [|}o]+--[|{o]+ (\w+) : ", re.MULTILINE)
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \|", re.MULTILINE)


def drawn() -> dict[str, dict[str, str]]:
    """Return the tables of the page: the keys of each column that it shows."""
    page = PAGES["docs/data-model.md"]
    return {name: dict(COLUMN.findall(block)) for name, block in BLOCK.findall(page)}


def keys(table: str) -> dict[str, str]:
    """Return the keys of each column of a table."""
    return {
        column.name: ", ".join(
            [*(["PK"] if column.primary_key else []), *(["FK"] if column.foreign_keys else [])]
        )
        for column in db.metadata.tables[table].columns
    }


def test_the_data_model_has_every_table() -> None:
    """Drawn and described: no table is missing, and none is invented."""
    described = dict(ROW.findall(PAGES["docs/data-model.md"]))
    classes = {
        mapper.local_table.name: mapper.class_.__name__ for mapper in db.Model.registry.mappers
    }
    assert set(drawn()) == set(db.metadata.tables)
    assert described == classes


@pytest.mark.parametrize("table", sorted(db.metadata.tables))
def test_the_data_model_has_every_key(table: str) -> None:
    """What is drawn of a table is there, and all of its keys are drawn."""
    columns = keys(table)
    shown = drawn()[table]
    assert shown == {name: columns.get(name) for name in shown}
    assert {name for name, key in columns.items() if key} <= set(shown)


def test_the_data_model_has_every_relation() -> None:
    """A line is drawn for each foreign key."""
    related = {
        (key.column.table.name, table.name)
        for table in db.metadata.tables.values()
        for key in table.foreign_keys
    }
    assert sorted(RELATION.findall(PAGES["docs/data-model.md"])) == sorted(related)


# Adding a network


def test_the_page_about_new_networks_has_every_file() -> None:
    """It names the files that every network has; tests/contract/test_toy.py follows it."""
    page = PAGES["docs/adding-a-network.md"]
    named = set(re.findall(r"^\| `app/networks/<name>/(\w+)\.py`", page, re.MULTILINE))
    folders = [ROOT / "app" / "networks" / name for name in NETWORKS]
    assert named == set.intersection(*({file.stem for file in one.glob("*.py")} for one in folders))
