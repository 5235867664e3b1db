"""How large the measures are, and how their runs alternate between the apps."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.contender import Contender
from benchmarks.tables import Column, Figures, summary, table


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of one benchmark run."""

    rounds: int = 3
    bursts: tuple[int, ...] = (2_000, 10_000)
    accounts: tuple[int, ...] = (50, 1)
    submits: int = 3_000
    polls: int = 1_500
    others: int = 100_000
    rows: int = 1_000_000
    ticks: int = 50
    pipeline: int = 2_000
    ones: int = 200
    servers: int = 2_000
    server_accounts: int = 10_000
    hanging: int = 20
    rest: float = 65.0
    """Seconds after a burst at which a worker is looked at again: a publisher closes after 60."""
    pages: int = 500
    quiet: float = 90.0
    """Seconds without activity before an idle worker is looked at: upkeep then rests more."""
    idle: float = 60.0


QUICK = Plan(
    rounds=1,
    bursts=(1_000,),
    accounts=(50,),
    submits=600,
    polls=400,
    others=5_000,
    rows=100_000,
    ticks=20,
    pipeline=400,
    ones=40,
    servers=200,
    server_accounts=1_000,
    hanging=5,
    rest=10.0,
    pages=100,
    quiet=70.0,
    idle=15.0,
)


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a table: a name and how one run of it is made."""

    name: str
    run: Callable[[], Sequence[Figures]]
    """Returns the figures of each of the case's rows."""
    suffixes: tuple[str, ...] = ("",)


def alternating(plan: Plan, columns: Sequence[Column], cases: Sequence[Case]) -> str:
    """Run every case once, then every case again, and so on; return the table of the medians."""
    found: dict[str, list[Figures]] = {
        case.name + suffix: [] for case in cases for suffix in case.suffixes
    }
    for number in range(plan.rounds):
        for case in cases:
            say(f"  round {number + 1} of {plan.rounds}: {case.name}")
            for suffix, figures in zip(case.suffixes, case.run(), strict=True):
                found[case.name + suffix].append(figures)
                say("    " + _plainly(columns, figures))
    rows = [[name, *summary(columns, runs)] for name, runs in found.items()]
    return table(["", *(column.title for column in columns)], rows)


def within(contender: Contender, run: Callable[[], Sequence[Figures]]) -> Sequence[Figures]:
    """Run something with a contender on empty servers."""
    contender.begin()
    try:
        return run()
    finally:
        contender.end()


def say(words: str) -> None:
    """Tell the person who waits; the tables alone go to standard output."""
    print(words, file=sys.stderr, flush=True)


def _plainly(columns: Sequence[Column], figures: Figures) -> str:
    cells = summary(columns, [figures])
    pairs = zip(columns, cells, strict=True)
    return ", ".join(f"{column.title} {cell}" for column, cell in pairs)
