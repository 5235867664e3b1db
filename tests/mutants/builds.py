"""Test builds: the program with one of its guarantees taken out."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.sandbox import ROOT

PARTS = ("app", "migrations", "config.py", "celery_app.py", "gunicorn.conf.py")


@dataclass(frozen=True)
class Mutant:
    """One line of the program, and what stands there instead."""

    file: str
    line: str
    instead: str


AMBIGUITY_IS_RESENT = Mutant(
    "app/delivery/outcomes.py",
    "        OutcomeKind.AMBIGUOUS: _ambiguous,\n",
    "        OutcomeKind.AMBIGUOUS: _not_sent,\n",
)
LOST_WORKERS_ARE_RESENT = Mutant(
    "app/models/transitions.py",
    '    return _unconfirm(first_look_up, where, "worker_lost")\n',
    "    again = {**_UNOWNED, 'state': State.SCHEDULED, 'not_before': from_now()}\n"
    "    return _move([Delivery.state == State.SENDING, *where], again, next_at=from_now())\n",
)
NO_START_DEADLINE = Mutant(
    "app/networks/http/pool.py",
    "boottime() > call.start_by:",
    "False:",
)
SLOW_TO_BEGIN = Mutant(
    "app/delivery/executor.py",
    "        for arguments in calls:\n",
    "        import time\n\n        time.sleep(0.5)\n        for arguments in calls:\n",
)
"""No mutant: a busy machine, on which a call begins half a second after its intent."""
NO_CLAMP = Mutant(
    "app/workers/scheduler.py",
    "            undo_clock_step()\n",
    "            pass\n",
)


def build(folder: Path, mutant: Mutant | None) -> Path:
    """Copy the program into a folder and change its one line; return the folder."""
    for part in PARTS:
        source, target = ROOT / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    if mutant is not None:
        change(folder, mutant)
    return folder


def change(folder: Path, mutant: Mutant) -> None:
    """Change one line of a build.

    :raises AssertionError: the line is not there exactly once, so nobody knows what was changed.
    """
    file = folder / mutant.file
    text = file.read_text("utf-8")
    count = text.count(mutant.line)
    assert count == 1, f"{mutant.file} has {count} times {mutant.line!r}: say it anew here"
    file.write_text(text.replace(mutant.line, mutant.instead), "utf-8")
