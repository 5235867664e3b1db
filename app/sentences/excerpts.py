"""The beginnings of texts, by which people know them again."""

from __future__ import annotations


def shortened(text: str, most: int) -> str:
    """Return a text in one line, cut between words where it is longer than ``most``."""
    line = " ".join(text.split())
    if len(line) <= most:
        return line
    cut = line[: most - 1].rpartition(" ")[0] or line[: most - 1]
    return f"{cut.rstrip('.,;:!? ')}…"
