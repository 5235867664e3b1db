"""The house keeps its shape: imports point down, files stay small, forbidden words stay out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    *ROOT.glob("app/**/*.py"),
    *ROOT.glob("sandbox/**/*.py"),
    *ROOT.glob("dev/**/*.py"),
    ROOT / "config.py",
    ROOT / "celery_app.py",
]
BESIDE = {"sandbox", "dev"}
"""Programs of their own, which import nothing of the app."""
ROW = re.compile(r"^\| `([\w/]+)[.*]*(?:py)?` \|.*\|(.*)\|$", re.MULTILINE)


def table() -> dict[str, set[str]]:
    """Return what each part may import, as docs/architecture.md says."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## Words")[0]
    rows = ROW.findall(text)
    return {dotted(place): {dotted(word) for word in named(cell)} for place, cell in rows}


def dotted(place: str) -> str:
    """Return the name under which a place is imported."""
    name = place.removesuffix("__init__").strip("/").replace("/", ".")
    return name if name in {"app", "config", "celery_app"} else f"app.{name.removeprefix('app.')}"


def named(cell: str) -> list[str]:
    """Return the words of a cell that stand for modules."""
    return re.findall(r"`([\w.]+)`", cell)


ALLOWED = table()


def name_of(path: Path) -> str:
    """Return the module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> set[str]:
    """Return every module of ours that a file imports at run time, hidden ones too."""
    found: set[str] = set()
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            known = {name_of(source) for source in SOURCES}
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= submodules or {node.module}
    return {name for name in found if name.split(".")[0] in {"app", "config", *BESIDE}}


def part_of(module: str) -> str:
    """Return the row of the table that a module belongs to."""
    if module.startswith("app.when"):
        return "app.when"
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "app" else parts[0]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_point_down(path: Path) -> None:
    """Each part imports only what the table in docs/architecture.md allows."""
    module = name_of(path)
    for imported in imports_of(path):
        if module.split(".")[0] in BESIDE:
            assert imported.split(".")[0] == module.split(".")[0]
            continue
        allowed = ALLOWED[part_of(module)]
        fits = any(imported == name or imported.startswith(f"{name}.") for name in allowed)
        inside = part_of(imported) == part_of(module) and module != "app"
        assert fits or inside, f"{module} imports {imported}"


def test_no_import_ring() -> None:
    """No module can be reached from itself, hidden imports included."""
    graph = {name_of(path): imports_of(path) for path in SOURCES}

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for following in graph.get(waiting.pop(), set()) - seen:
                seen.add(following)
                waiting.append(following)
        return seen

    wake_ups = [module for module in graph if module in reach(module)]
    assert wake_ups == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_modules_and_functions_are_small(path: Path) -> None:
    """At most 600 lines a module and 50 a function."""
    text = path.read_text("utf-8")
    assert text.count("\n") <= 600
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, node.name


@pytest.mark.parametrize("path", list(ROOT.glob("app/**/*.py")), ids=name_of)
def test_forbidden_words(path: Path) -> None:
    """No ETA, no countdown, no Celery retry; only the web touches the request."""
    text = path.read_text("utf-8")
    for word in ("eta=", "countdown=", ".retry("):
        if not (word == ".retry(" and "tweet.retry(" in text):
            assert word not in text
    if "/web/" not in path.as_posix():
        assert not re.search(r"from flask import .*\b(request|session)\b", text)
