"""Medians, and Markdown tables of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

Figures = Mapping[str, float]
"""What one run gave, by the name of the column."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; of a figure that must be 0 the worst run is shown, of others the median."""

    title: str
    digits: int = 0
    worst: bool = False


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that this share of the values does not exceed; nan of none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary(columns: Sequence[Column], runs: Sequence[Figures]) -> list[str]:
    """Return the cells for some runs of the same thing."""
    cells = []
    for column in columns:
        values = [run[column.title] for run in runs if column.title in run]
        if not values:
            cells.append("–")
            continue
        cells.append(f"{max(values) if column.worst else median(values):,.{column.digits}f}")
    return cells


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose columns line up; the first one is words, others numbers."""
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(heads))]
    numeric = [False, *[True] * (len(heads) - 1)]
    rule = ["-" * (w - 1) + (":" if n else "-") for w, n in zip(widths, numeric, strict=True)]
    return "\n".join(_line(line, widths, numeric) for line in [lines[0], rule, *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if number else cell.ljust(width)
        for cell, width, number in zip(cells, widths, numeric, strict=True)
    ]
    return f"| {' | '.join(padded)} |"
