"""``make bench``: Tweet Later and a plain Flask + Celery app side by side, in one run.

The runs of the two alternate, every figure is a median, X answers in 100 ms, and CPU is what the
operating system counts for all processes. The tables go to standard output.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import (
    burst,
    database,
    hanging,
    idle,
    many_servers,
    memory,
    one,
    page,
    pipeline,
    status,
    submit,
    tick,
)
from benchmarks.contender import Contender
from benchmarks.plain import Plain
from benchmarks.plan import QUICK, Plan, say
from benchmarks.product import TweetLater
from benchmarks.servers import Machine

Measure = Callable[[Plan, Sequence[Contender]], str]

MEASURES: dict[str, tuple[str, Measure]] = {
    "burst": ("Many tweets due in one second", burst.measure),
    "pipeline": ("From the form to X", pipeline.measure),
    "one": ("One tweet on an idle system", one.measure),
    "servers": ("Many servers", many_servers.measure),
    "hanging": ("Servers that hang", hanging.measure),
    "submit": ("Submitting a tweet", submit.measure),
    "status": ("Asking what became of a tweet", status.measure),
    "page": ("The page with twenty cards", page.measure),
    "memory": ("Memory while tweets wait", memory.measure),
    "idle": ("Nothing to do", idle.measure),
    "tick": ("One look at the schedule", tick.measure),
    "database": ("What a tweet costs the database", database.measure),
}
CONTENDERS = {"product": TweetLater, "plain": Plain}


def main() -> None:
    """Measure what the command line asks for."""
    options = _options()
    pages = [_heading()]
    print(pages[0], flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="tweet-later-") as folder,
        Machine(Path(folder)) as machine,
    ):
        contenders = [CONTENDERS[name](machine) for name in options.only]
        for name in options.measures or MEASURES:
            title, measure = MEASURES[name]
            begin = time.monotonic()
            pages.append(f"\n## {title}\n\n{measure(_plan(options), contenders)}")
            print(pages[-1], flush=True)
            say(f"  ({name}: {time.monotonic() - begin:.0f} s)")
    if options.output:
        options.output.write_text("\n".join(pages) + "\n", "utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    add = parser.add_argument
    add("measures", nargs="*", metavar="measure", help=f"some of: {', '.join(MEASURES)}")
    add("--quick", action="store_true", help="one round of small sizes")
    add("--only", choices=CONTENDERS, help="measure one app alone")
    add("--rounds", type=int, metavar="N", help="how often each run is made")
    add("--tweets", metavar="N,N", help="sizes of the burst")
    add("--accounts", metavar="N,N", help="numbers of accounts of the burst")
    add("--output", type=Path, metavar="FILE", help="write the tables there too")
    options = parser.parse_args()
    unknown = [name for name in options.measures if name not in MEASURES]
    if unknown:
        parser.error(f"there is no measure {unknown[0]!r}, but {', '.join(MEASURES)}")
    options.only = [options.only] if options.only else list(CONTENDERS)
    return options


def _plan(options: argparse.Namespace) -> Plan:
    plan = QUICK if options.quick else Plan()
    if options.rounds:
        plan = replace(plan, rounds=options.rounds)
    if options.tweets:
        plan = replace(plan, bursts=_numbers(options.tweets))
    if options.accounts:
        plan = replace(plan, accounts=_numbers(options.accounts))
    return plan


def _numbers(words: str) -> tuple[int, ...]:
    return tuple(int(word) for word in words.split(","))


def _heading() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    load = f"{os.getloadavg()[0]:.2f}"
    return f"# Speed\n\n{cores} cores, {system}; load average at the beginning {load}."


if __name__ == "__main__":
    main()
