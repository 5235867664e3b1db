"""Wordings of a text: what stands between braces takes turns, so that it is not the same each time.

``{Good morning|Hello}, readers`` is "Good morning, readers" at first and "Hello, readers" next.
"""

from __future__ import annotations

import re
from itertools import islice, product

from app.networks import TextProblem

MAX_WORDINGS = 20
"""Of one text."""
_CHOICE = re.compile(r"\{([^{}|]*(?:\|[^{}|]*)+)\}")
"""Words in braces with ``|`` between them. Braces without one stay as they are."""


def wordings(text: str) -> list[str]:
    """Return all wordings of a text, in the order of their turns; a text without choices is one.

    :raises TextProblem: ``too_many_wordings`` with ``limit``.
    """
    pieces = _CHOICE.split(text)  # every other one is a choice
    choices = [one.split("|") if n % 2 else [one] for n, one in enumerate(pieces)]
    found = list(islice(product(*choices), MAX_WORDINGS + 1))
    if len(found) > MAX_WORDINGS:
        raise TextProblem("too_many_wordings", limit=MAX_WORDINGS)
    return list(dict.fromkeys("".join(words).strip() for words in found))
