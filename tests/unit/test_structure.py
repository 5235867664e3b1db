"""The house keeps its shape: imports point down, through faces; files and functions stay small.

docs/architecture.md has the table of parts. Each rule is also broken on purpose, to be noticed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 600
MAX_FUNCTION_LINES = 50
MAX_METHODS = 25
MAX_FACE = 24
WIDE_FACES = {"app.models": 118, "app.networks": 55}
"""Vocabularies: the classes of rows, the types of the contract of networks."""
NETWORKS = ("x", "mastodon", "bluesky", "facebook")
MOVED = {"state", "next_at", "owner", "fence", "lease_until"}
"""Columns of a Delivery that only its transitions set."""
OTHER_STATES = (
    *("app.pictures", "app.models.picture", "app.background", "app.models.background_task"),
    *("app.models.alert", "app.models.push", "app.models.mail", "app.mail"),
    *("app.networks", "app.web", "app.planning", "app.models.series"),
)
"""Pictures, tasks, mails, messages and series have states of their own; networks and pages have no
rows (``state`` of OAuth, JSON)."""
NETWORK_FILES = {
    "app/networks": {
        "network",
        "auth",
        "client",
        "responses",
        "posts",
        "media",
        "timeline",
        "text",
        "history",
        "options",
    },
    "sandbox": {
        *("app", "auth", "calls", "control", "effects", "errors", "interests", "limits", "media"),
        *("pages", "posts", "records", "routes", "settings", "state", "tokens", "validation"),
    },
}
SANDBOX_LAYERS = [{"core"}, {"faults"}, {"control"}, {*NETWORKS, "mail"}]
"""Each imports only what comes before it; the networks do not import each other."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BESIDE = {"sandbox", "dev", "benchmarks"}
"""Programs of their own, which import nothing of the app; benchmarks measure the app itself."""
ROW = re.compile(r"^\| `([\w/]+)[.*]*(?:py)?` \|.*\|(.*)\|$", re.MULTILINE)


def name_of(path: Path) -> str:
    """Return the module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = [
    *ROOT.glob("app/**/*.py"),
    *ROOT.glob("sandbox/**/*.py"),
    *ROOT.glob("dev/**/*.py"),
    ROOT / "config.py",
    ROOT / "celery_app.py",
]
SOURCES: Mapping[str, str] = {name_of(path): path.read_text("utf-8") for path in PATHS}
FACES = {
    name_of(path.parent / "__init__.py")
    for path in [*ROOT.glob("app/*/**/__init__.py"), *ROOT.glob("sandbox/*/__init__.py")]
    if name_of(path) != "app"
}


def table() -> dict[str, set[str]]:
    """Return what each part may import, as docs/architecture.md says."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## Words")[0]
    return {
        dotted(place): {dotted(word) for word in named(cell)} for place, cell in ROW.findall(text)
    }


def dotted(place: str) -> str:
    """Return the name under which a place is imported."""
    name = place.removesuffix("__init__").strip("/").replace("/", ".")
    return name if name in {"app", "config", "celery_app"} else f"app.{name.removeprefix('app.')}"


def named(cell: str) -> list[str]:
    """Return the words of a cell that stand for modules."""
    return re.findall(r"`([\w.]+)`", cell)


ALLOWED = table()


@cache
def parsed(source: str) -> ast.Module:
    """Return a module's syntax tree, which nobody changes."""
    return ast.parse(source)


@cache
def running(source: str) -> ast.Module:
    """Return a module without what only type checkers read."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    return tree


@cache
def imports_of(source: str) -> frozenset[str]:
    """Return every module of ours that a file imports at run time, hidden ones too."""
    found: set[str] = set()
    for node in ast.walk(running(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(SOURCES)
            found |= submodules or {node.module}
    ours = {"app", "config", *BESIDE}
    return frozenset(name for name in found if name.split(".")[0] in ours)


def part_of(module: str) -> str:
    """Return the row of the table that a module belongs to."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "app" else parts[0]


def wrong_imports(module: str, source: str) -> list[str]:
    """Return what a module imports although the table does not allow it."""
    allowed = ALLOWED.get(part_of(module), set())
    wrong = []
    for imported in sorted(imports_of(source)):
        if module.split(".")[0] in BESIDE:
            fits = imported.split(".")[0] == module.split(".")[0]
        else:
            fits = part_of(imported) in allowed
            fits |= part_of(imported) == part_of(module) and module != "app"
        if not fits:
            wrong.append(imported)
    return wrong


def listed_in(face: str) -> set[str]:
    """Return the names that a folder's face lists."""
    for node in parsed(SOURCES[face]).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def reaching_past(module: str, source: str) -> Iterator[str]:
    """Return what a module imports of another folder past its face."""
    for node in ast.walk(running(source)):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        for face in FACES:
            if module == face or module.startswith(f"{face}."):
                continue
            if node.module.startswith(f"{face}."):
                yield f"{node.module} (past {face})"
            if node.module == face:
                names = {alias.name for alias in node.names}
                yield from (f"{face}.{name} (not listed)" for name in names - listed_in(face))


def too_large(source: str) -> Iterator[str]:
    """Return what is larger than a reader's memory in a module."""
    if source.count("\n") > MAX_LINES:
        yield "the module"
    for node in ast.walk(parsed(source)):
        lines = (node.end_lineno or 0) - node.lineno if isinstance(node, FUNCTIONS) else 0
        if isinstance(node, FUNCTIONS) and lines >= MAX_FUNCTION_LINES:
            yield node.name
        if isinstance(node, ast.ClassDef):
            methods = [one for one in node.body if isinstance(one, FUNCTIONS)]
            if len(methods) > MAX_METHODS:
                yield node.name


def moves_in(source: str) -> Iterator[str]:
    """Return where a module sets a column that only transitions may set.

    That is a keyword of ``values()`` or of a new Delivery, a key of a dict, or an attribute.
    Types of columns (``"fence": Integer()``) set nothing.
    """
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("values", "Delivery")):
            yield from (word.arg for word in node.keywords if word.arg in MOVED)
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in MOVED:
                    is_type = isinstance(value, ast.Call) and not value.args and not value.keywords
                    if not is_type:
                        yield key.value
        if isinstance(node, ast.Assign):
            targets = (one.attr for one in node.targets if isinstance(one, ast.Attribute))
            yield from (name for name in targets if name in MOVED)


def forbidden_in(module: str, source: str) -> Iterator[str]:
    """No ETA, no countdown, no Celery retry; only the web touches the request."""
    for word in ("eta=", "countdown=", ".retry("):
        if word in source and not (word == ".retry(" and "tweet.retry(" in source):
            yield word
    if not module.startswith("app.web") and re.search(
        r"from flask import .*\b(request|session)\b", source
    ):
        yield "request"


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_down(module: str) -> None:
    """Each part imports only what the table in docs/architecture.md allows."""
    assert wrong_imports(module, SOURCES[module]) == []


@pytest.mark.parametrize(
    "module", [name for name in SOURCES if name.startswith(("app", "sandbox"))]
)
def test_folders_are_used_through_their_faces(module: str) -> None:
    """Nobody reaches past a folder's ``__init__.py``, or takes a name that it does not list."""
    assert list(reaching_past(module, SOURCES[module])) == []


@pytest.mark.parametrize("face", sorted(FACES))
def test_faces_are_short(face: str) -> None:
    """A face lists what others may use, and no more than a person can keep in mind."""
    assert len(listed_in(face)) <= WIDE_FACES.get(face, MAX_FACE)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("place", NETWORK_FILES)
def test_every_network_has_the_same_files(place: str, network: str) -> None:
    """Who has learnt one network has learnt all."""
    files = {path.stem for path in (ROOT / place / network).glob("*.py")}
    assert files >= NETWORK_FILES[place]


def wrong_layers(module: str, source: str) -> list[str]:
    """Return the folders of the sandbox that a module of it imports although they are above."""
    folder = module.split(".")[1]
    lower: set[str] = {folder}
    for layer in SANDBOX_LAYERS:
        if folder in layer:
            break
        lower |= layer
    imported = {name.split(".")[1] for name in imports_of(source) if name.count(".")}
    return sorted(imported - lower)


@pytest.mark.parametrize(
    "module", [name for name in SOURCES if name.startswith("sandbox.") and "__main__" not in name]
)
def test_layers_of_the_sandbox(module: str) -> None:
    """What the networks of the sandbox share knows none of them, and none knows another."""
    assert wrong_layers(module, SOURCES[module]) == []


def test_no_import_ring() -> None:
    """No module can be reached from itself, hidden imports included.

    A face stands for the modules that it lists, so it is left out between modules of its folder.
    """
    graph = {module: imports_of(source) - FACES for module, source in SOURCES.items()}

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for following in graph.get(waiting.pop(), set()) - seen:
                seen.add(following)
                waiting.append(following)
        return seen

    assert [module for module in graph if module in reach(module)] == []


@pytest.mark.parametrize("module", SOURCES)
def test_sizes(module: str) -> None:
    """At most 600 lines a module, 50 a function and 25 methods a class.

    The settings are one file by the project's layout, however many there are.
    """
    exempt = {"the module"} if module == "config" else set()
    assert set(too_large(SOURCES[module])) <= exempt


@pytest.mark.parametrize("module", [name for name in SOURCES if name.startswith("app")])
def test_only_transitions_move_a_delivery(module: str) -> None:
    """The state machine has one home: app/models/transitions.py."""
    if module != "app.models.transitions" and not module.startswith(OTHER_STATES):
        assert list(moves_in(SOURCES[module])) == []


def test_every_arrow_is_in_the_page() -> None:
    """docs/delivery.md names every function of the state machine, and no other."""
    page = (ROOT / "docs" / "delivery.md").read_text("utf-8")
    table = page.partition("| who | arrows |")[2].partition("\n\n")[0]
    functions = {
        node.name
        for node in parsed(SOURCES["app.models.transitions"]).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    assert set(re.findall(r"`(\w+)`", table)) == functions


@pytest.mark.parametrize(
    "source",
    [
        "update(Delivery).values(state=State.HELD)",
        "Delivery(account=account, next_at=due_at)",
        'values = {"lease_until": None}',
        "delivery.owner = None",
    ],
)
def test_a_move_elsewhere_is_noticed(source: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert list(moves_in(source))


@pytest.mark.parametrize("module", [name for name in SOURCES if name.startswith("app")])
def test_forbidden_words(module: str) -> None:
    """No ETA, no countdown, no Celery retry; only the web touches the request."""
    assert list(forbidden_in(module, SOURCES[module])) == []


BROKEN = {
    "up": ("app.models.tweet", "from app.delivery import claims"),
    "web to workers": ("app.web.health", "from app.workers import tasks"),
    "hidden in a function": ("app.networks.base", "def f():\n    from app.db import db"),
    "sandbox to app": ("sandbox.x.posts", "from app.states import State"),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_an_import_that_points_up_is_noticed(broken: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert wrong_imports(*BROKEN[broken])


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("app.delivery.outcomes", "from app.accounts.holds import pause_account"),
        ("app.delivery.outcomes", "from app.accounts import _private"),
        ("sandbox.x.posts", "from sandbox.core.store import Store"),
    ],
)
def test_reaching_past_a_face_is_noticed(module: str, source: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert list(reaching_past(module, source))


@pytest.mark.parametrize("module", ["sandbox.core.pages", "sandbox.bluesky.pages"])
def test_a_layer_that_imports_a_higher_one_is_noticed(module: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert wrong_layers(module, "from sandbox.x import create_x_app")


@pytest.mark.parametrize(
    "source",
    [
        "\n" * (MAX_LINES + 1),
        "def f():\n" + "    x = 1\n" * MAX_FUNCTION_LINES,
        "class C:\n" + "".join(f"    def m{i}(self): ...\n" for i in range(MAX_METHODS + 1)),
    ],
)
def test_what_is_too_large_is_noticed(source: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert list(too_large(source))


@pytest.mark.parametrize(
    "source", ["task.apply_async(eta=now)", "self.retry()", "from flask import request"]
)
def test_forbidden_words_are_noticed(source: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert list(forbidden_in("app.delivery.publisher", source))
