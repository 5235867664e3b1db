"""Every command of docs/background-jobs.md does what the page says, in one installation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from app.db import db
from app.models import Worker
from tests.conftest import MakeWorld
from tests.support.sandbox import ROOT
from tests.support.waiting import wait_for
from tests.support.world import World

BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
PAGE = ROOT / "docs" / "background-jobs.md"
NOT_CODE = {".git", ".venv", "instance", "node_modules", "tests"}
GOES_BEFORE = {
    "app/kinds.py": ("        Kind(LONG_TASK,", ",\n"),
    "app/workers/chores.py": ("def limits(", "\n\n\n"),
}
"""Where what the first exercise writes goes in a file, and what stands between."""


def blocks(language: str) -> list[str]:
    """Return the page's blocks in a language, without their indentation."""
    found = BLOCK.findall(PAGE.read_text("utf-8"))
    return [textwrap.dedent(code) for _indent, kind, code in found if kind == language]


def exercise(folder: Path) -> Path:
    """Copy the program, and write into it what the first exercise says."""
    program = folder / "program"
    shutil.copytree(ROOT, program, ignore=lambda _at, names: NOT_CODE & set(names))
    for file, (before, between) in GOES_BEFORE.items():
        (block,) = [code for code in blocks("python") if code.startswith(f"# {file}\n")]
        lines = block.partition("\n")[2].rstrip()
        code = textwrap.indent(lines, " " * (len(before) - len(before.lstrip())))
        path = program / file
        old = path.read_text("utf-8")
        assert before in old
        path.write_text(old.replace(before, f"{code}{between}{before}", 1), "utf-8")
    return program


def start(world: World, line: str) -> subprocess.Popen[bytes]:
    """Start a worker as a shell does that has the environment on its path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with (world.folder / "log").open("ab") as log:
        process = subprocess.Popen(
            ["sh", "-c", f"exec env {line}"],
            cwd=world.root,
            env={**os.environ, **world.environ, "PATH": path, "PYTHONWARNINGS": "ignore"},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    world.processes.append(process)
    wait_for(lambda: process.pid in world.beating(), what=line)
    return process


def typed(world: World, code: str) -> str:
    """Type lines into the shell; return what it answered, each behind ``>>>``."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "shell"],
        cwd=world.root,
        env={**os.environ, **world.environ},
        input=code,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_every_command(make_world: MakeWorld, sqlite_url: str, tmp_path: Path) -> None:
    """Workers of some queues, tweets now and later, the long task, and the exercises."""
    world = make_world(sqlite_url, LONG_TASK_SECONDS="1")
    world.root = exercise(tmp_path)
    world.user("ana")
    (commands,) = blocks("sh")
    for line in commands.splitlines():
        start(world, line)
    with world.rows():
        taken = set(db.session.scalars(db.select(Worker.queues)))
    assert taken == {"lookup,publish", "import,mail"}
    start(world, commands.splitlines()[0].partition(" -Q")[0] + " -Q maintenance")
    first, long, _kinds, _chores, greet, look = blocks("python")
    said = typed(world, first)
    assert "'PENDING'" in said or "'SUCCESS'" in said
    wait_for(lambda: world.sandbox.texts().get("Hello"), what="the tweet")
    assert "Hello again" not in world.sandbox.texts()
    said = typed(world, long)
    assert "'PENDING'" in said or "'PROGRESS'" in said
    assert "'maintenance': " in said
    wait_for(lambda: "DONE" in world.log(), what="the end of the long task")
    assert "Hello, " not in world.log()
    typed(world, greet)
    wait_for(lambda: "Hello, Ana" in world.log(), what="the greeting")
    imports = "\n".join(line for line in greet.splitlines() if line.startswith("from "))
    assert "[('done', 0, 'greeted')]" in typed(world, f"{imports}\n{look}")
