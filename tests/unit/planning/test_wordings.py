"""Words in braces take turns."""

from __future__ import annotations

import pytest

from app.networks import TextProblem
from app.planning.wordings import MAX_WORDINGS, wordings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plain", ["Plain"]),
        ("{Good morning|Hello}, readers", ["Good morning, readers", "Hello, readers"]),
        ("{a|b} {c|d}", ["a c", "a d", "b c", "b d"]),
        ("Maybe{| so}", ["Maybe", "Maybe so"]),
        ("{same|same}", ["same"]),
        ("f-string {name} and {}", ["f-string {name} and {}"]),
        ("a | b", ["a | b"]),
        ("{a|{b|c}}", ["{a|b}", "{a|c}"]),
        ("{línea\n|}dos", ["línea\ndos", "dos"]),
    ],
)
def test_wordings(text: str, expected: list[str]) -> None:
    """In the order of their turns, each once; other braces are words."""
    assert wordings(text) == expected


def test_a_bounded_number() -> None:
    """A text that could be said in a million ways is refused at once."""
    assert len(wordings("{a|b|c|d}{a|b|c|d|e}")) == MAX_WORDINGS
    with pytest.raises(TextProblem) as refused:
        wordings("{a|b}" * 200)
    assert (refused.value.code, refused.value.params) == (
        "too_many_wordings",
        {"limit": MAX_WORDINGS},
    )
