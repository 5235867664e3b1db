"""Make ``.venv``, install what a command needs, and run that command in it.

``python dev/venv.py GROUP MODULE [ARGUMENT ...]`` needs nothing but Python's own library. It does
nothing slow when the requirement files have not changed since the last time, and starts from
nothing when an earlier run was interrupted.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "tweet-later.json"
GROUPS = {
    "run": ["requirements.txt", "requirements-run.txt"],
    "test": ["requirements.txt", "requirements-run.txt", "requirements-dev.txt"],
}
OLDEST, NEWEST = (3, 11), (3, 13)


def main(arguments: list[str]) -> None:
    """Prepare the environment for a group and become the module, run in it."""
    group, *command = arguments
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)  # two terminals must not install at the same time
        prepare(group)
    if command:
        become(command)


def prepare(group: str) -> None:
    """Bring ``.venv`` up to date for a group.

    :raises SystemExit: with a sentence, when something could not be installed.
    """
    if not is_usable():
        create()
    installed = read_stamp().get("installed", {})
    wanted = {name: digest(ROOT / name) for name in GROUPS[group]}
    changed = [name for name in wanted if installed.get(name) != wanted[name]]
    if changed:
        write_stamp(finished=False, installed={})
        install(changed)
        write_stamp(finished=True, installed={**installed, **wanted})


def is_usable() -> bool:
    """True when ``.venv`` was finished, here, by the Python that is wanted, and still works."""
    stamp = read_stamp()
    if stamp and not (stamp.get("finished") and stamp.get("location") == str(VENV)):
        return False
    version = version_of(str(PYTHON), needs="pip")
    if version is None or not OLDEST <= version <= NEWEST:
        return False
    asked = os.environ.get("PYTHON")
    return not asked or version_of(asked) == version


def version_of(python: str, needs: str = "sys") -> tuple[int, int] | None:
    """Return (major, minor) of a Python, or None when it does not run or lacks a module."""
    question = f"import sys, {needs}; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", question], capture_output=True, text=True)
        major, minor = answer.stdout.split()
    except (OSError, ValueError):
        return None
    return int(major), int(minor)


def create() -> None:
    """Make an empty ``.venv``, removing a broken or unfinished one."""
    say(f"Making .venv with Python {sys.version.split()[0]} …")
    complaint = "Could not make .venv."
    step([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)], complaint)
    write_stamp(finished=False, installed={})
    step([str(PYTHON), "-m", "ensurepip", "--default-pip"], complaint)


def install(names: list[str]) -> None:
    """Install pinned requirement files, every download checked against its hash."""
    say("Installing what it needs (the first time takes a minute) …")
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-input"]
    files = [part for name in names for part in ("-r", str(ROOT / name))]
    step(
        [*pip, "--require-hashes", *files],
        "Could not install the requirements; pip says why above. The same command tries again.",
    )


def step(command: list[str], complaint: str) -> None:
    """Run a command quietly; stop with its last words and a sentence when it fails."""
    try:
        subprocess.run(command, check=True, text=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.stdout}{error.stderr}{complaint}")
    except OSError as error:
        sys.exit(f"{error}\n{complaint}")


def read_stamp() -> dict[str, Any]:
    """Return what an earlier run wrote about ``.venv``; empty when there is nothing to read."""
    try:
        stamp = json.loads(STAMP.read_text())
    except FileNotFoundError:
        return {}
    except ValueError:
        return {"finished": False}
    return stamp if isinstance(stamp, dict) else {"finished": False}


def write_stamp(*, finished: bool, installed: dict[str, str]) -> None:
    """Remember where ``.venv`` stands; not finished means: do not trust it."""
    stamp = {"finished": finished, "location": str(VENV), "installed": installed}
    STAMP.write_text(json.dumps(stamp, indent=1) + "\n")


def digest(file: Path) -> str:
    """Return the SHA-256 of a file as text."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def become(command: list[str]) -> None:
    """Replace this process by ``python -m COMMAND``, so that signals reach it directly."""
    os.chdir(ROOT)
    os.environ["VIRTUAL_ENV"] = str(VENV)
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ.pop("PYTHONHOME", None)
    os.execv(PYTHON, [str(PYTHON), "-m", *command])


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    print(sentence, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command goes on from here.")
