"""Scripts, styles and templates keep their shape (docs/frontend.md).

Biome has further rules (biome.json): no cycles, no undeclared names, functions not too complex.
Some rules are also broken on purpose, to be noticed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.web import assets
from app.web.script_data import FROM_SERVER, NUMBERS
from dev import biome

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "app" / "static"
NODE = ROOT / "dev" / "node"
TEMPLATES = ROOT / "app" / "templates"
MAX_LINES = 300
MAX_FUNCTION_LINES = 50
MAY_IMPORT = {"shared": {"shared"}, "cards": {"shared", "cards"}}
MAY_IMPORT["operations"] = {"shared", "operations"}
MAY_IMPORT["push"] = {"shared", "push"}
MAY_IMPORT["calendar"] = {"shared", "calendar"}
MAY_IMPORT["learning"] = {"shared", "learning"}
MAY_IMPORT["composer"] = MAY_IMPORT["cards"] | {"composer"}

MADE = {STATIC / assets.DOMAINS, STATIC / FROM_SERVER}
"""Modules that the server makes."""

MODULES = {
    path.relative_to(STATIC / "js").as_posix(): path.read_text("utf-8")
    for path in STATIC.glob("**/*.js")
}
PAGES = {
    path.relative_to(TEMPLATES).as_posix(): path.read_text("utf-8")
    for path in TEMPLATES.glob("**/*.html")
    if path.parent.name != "mail"  # programs for mail have no style sheets of ours
}
IMPORT = re.compile(r'^(?:import|export)\b[^;]*?\bfrom "([^"]+)";|^import "([^"]+)";', re.MULTILINE)
OPENS = re.compile(r"^( *)(?!if|for|while|switch|do|try|class|\} )\S.*\{$")
SCRIPT = re.compile(r"<script\b([^>]*)>")
INLINE = re.compile(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


def long_functions(source: str) -> Iterator[str]:
    """Return the first line of each function of more than 50 lines, as Biome formats them."""
    lines = source.splitlines()
    for start, line in enumerate(lines):
        opening = OPENS.match(line)
        if opening and ("(" in line or "=>" in line):
            closing = f"{opening[1]}}}"
            end = next(n for n in range(start, len(lines)) if lines[n].startswith(closing))
            if end - start + 1 > MAX_FUNCTION_LINES:
                yield line


def wrong_imports(module: str, source: str) -> list[str]:
    """Return what a module imports that is not there, or not for it."""
    wrong = []
    folder = STATIC / "js" / Path(module).parent
    for imported in (one or other for one, other in IMPORT.findall(source)):
        path = (folder / imported).resolve()
        is_there = imported.startswith(".") and (path.is_file() or path in MADE)
        if not is_there or path.parent.name not in MAY_IMPORT[folder.name]:
            wrong.append(imported)
    return wrong


def unsafe_parts(page: str) -> list[str]:
    """Return what the content policy forbids, and scripts of ours that are no modules."""
    scripts = [
        attributes
        for attributes in SCRIPT.findall(page)
        if 'type="application/json"' not in attributes
        and not ('type="module" src="{{ module(' in attributes or "jquery" in attributes)
    ]
    return scripts + INLINE.findall(re.sub(r"{%.*?%}", "", page))


def test_everything_has_its_folder() -> None:
    """Modules are in one of four folders, styles in one, and what is left is a drawing."""
    assert {Path(module).parent.as_posix() for module in MODULES} == set(MAY_IMPORT)
    assert {path.parent for path in STATIC.glob("**/*.css")} == {STATIC / "css"}
    assert {path.suffix for path in STATIC.iterdir() if path.is_file()} == {".svg"}
    assert [name for name in PAGES if "/" not in name] == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_modules_are_small(module: str) -> None:
    """At most 300 lines a module and 50 a function."""
    assert MODULES[module].count("\n") <= MAX_LINES
    assert list(long_functions(MODULES[module])) == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_modules_know_each_other_by_imports_alone(module: str) -> None:
    """Shared ones import no others, cards no composer, and nothing is left at the window."""
    assert wrong_imports(module, MODULES[module]) == []
    assert re.findall(r"\b(?:window|globalThis)\.\w+ =[^=]", MODULES[module]) == []


@pytest.mark.parametrize("name", sorted(PAGES))
def test_templates_have_no_inline_script_or_style(name: str) -> None:
    """The content policy would not let them work."""
    assert unsafe_parts(PAGES[name]) == []


def test_numbers_come_from_python() -> None:
    """Each number that a page gives to its scripts is used, and each that they use is given."""
    sources = "\n".join([*MODULES.values(), *PAGES.values()])
    assert set(re.findall(r"\bnumbers\.(\w+)", sources)) == set(NUMBERS)
    destructured = re.findall(r"const \{ ([\w, ]+) \} = numbers\.counting;", sources)
    used = {name for names in destructured for name in names.split(", ")}
    assert used == set(NUMBERS["counting"])


def test_sentences_come_from_the_server() -> None:
    """Each sentence that a script says is given to it, in the page's language."""
    given = re.findall(r'^ +"(\w+)": _\(', "\n".join(PAGES.values()), re.MULTILINE)
    said = re.findall(r'\bsay\(\s*"(\w+)"', "\n".join(MODULES.values()))
    assert set(said) - set(given) == set()


def test_biome_watches_the_same() -> None:
    """It has the same limit of lines; its version is exact, and the lock names no registry."""
    rules = json.loads((ROOT / "biome.json").read_text())["linter"]["rules"]
    limit = rules["complexity"]["noExcessiveLinesPerFunction"]
    assert limit == {"level": "error", "options": {"maxLines": MAX_FUNCTION_LINES}}
    package = json.loads((NODE / "package.json").read_text())
    lock = json.loads((NODE / "package-lock.json").read_text())["packages"]
    assert package["devDependencies"] == lock[""]["devDependencies"]
    pinned = lock["node_modules/@biomejs/biome"]["version"]
    assert package["devDependencies"]["@biomejs/biome"] == pinned
    assert [name for name, entry in lock.items() if "resolved" in entry] == []


@pytest.mark.parametrize(("in_ci", "status"), [("", 0), ("true", 1)])
def test_without_npm_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], in_ci: str, status: int
) -> None:
    """A person without Node reads what was not checked; CI fails."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", in_ci)
    assert biome.main(["check"]) == status
    assert "were not checked" in capsys.readouterr().err


@pytest.mark.parametrize("head", ["function f() {", "  move($item) {", "export function f(a) {"])
def test_a_long_function_is_noticed(head: str) -> None:
    """The rule fails when it is broken on purpose."""
    indent = head[: len(head) - len(head.lstrip())]
    long = f"{head}\n" + f"{indent}  go();\n" * (MAX_FUNCTION_LINES - 1) + f"{indent}}}\n"
    assert list(long_functions(long)) == [head]
    assert list(long_functions(long.replace("  go();\n", "", 1))) == []


@pytest.mark.parametrize(
    "imported", ["../composer/threads.js", "./missing.js", "https://cdn.example/x.js", "jquery"]
)
def test_a_wrong_import_is_noticed(imported: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert wrong_imports("cards/poller.js", f'import {{ a }} from "{imported}";\n') == [imported]


@pytest.mark.parametrize(
    "page",
    [
        "<script>alert(1)</script>",
        '<script src="{{ asset("js/x.js") }}"></script>',
        '<p style="color: red">',
        "<style>p {}</style>",
        '<a onclick="go()">',
    ],
)
def test_what_the_policy_forbids_is_noticed(page: str) -> None:
    """The rule fails when it is broken on purpose."""
    assert unsafe_parts(page)
