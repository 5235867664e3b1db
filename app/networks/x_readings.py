"""What X's answers to a read mean, and what to think of one that has an unknown shape."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from app.networks.base import LookUpFailed, LookUpRefused, TokenRefused
from app.networks.http import Answer
from app.networks.x_answers import problem_of


def reading_of(answer: Answer) -> dict[str, Any]:
    """Return the JSON of a read that worked; it has ``data``, ``meta`` or both.

    :raises LookUpFailed: no usable answer.
    :raises LookUpRefused: reading is not allowed (402, 403, 404).
    :raises TokenRefused: 401.
    """
    if (
        answer.status == 200
        and isinstance(answer.data, dict)
        and {"data", "meta"} & set(answer.data)
    ):
        return answer.data
    if answer.status == 401:
        raise TokenRefused(problem_of(answer))
    if answer.status in {402, 403, 404}:
        raise LookUpRefused(problem_of(answer))
    raise LookUpFailed(problem_of(answer))


@contextmanager
def known_shape() -> Iterator[None]:
    """Turn surprises in an answer's shape into LookUpFailed: nothing follows from them."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LookUpFailed(f"the answer has an unknown shape: {type(error).__name__}") from error


def moment_in(text: str) -> datetime:
    """Return an RFC 3339 moment; raise ValueError for one without a zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment
