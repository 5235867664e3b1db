"""What chance decides."""

from __future__ import annotations

from dataclasses import dataclass

import hypothesis.strategies as st

from tests.model.interruptions import Kind
from tests.model.network import Answer, Look, Renewal

SECONDS = (0.1, 0.3, 2, 6, 12, 40, 100, 400)


@dataclass(frozen=True)
class Luck:
    """What chance decides about one piece of work."""

    who: int = 0
    which: int = 0
    other: int = 0
    after: float = 0.1
    silence: bool = False
    kind: Kind | None = None
    skip: int = 0
    answer: Answer = Answer.TAKEN
    look: Look = Look.SHOWN
    renewal: Renewal = Renewal.GIVEN
    verb: str = "cancel"


WELL = Luck()
small = st.integers(0, 7)
lucks = st.builds(
    Luck,
    who=st.sampled_from([0, 0, 0, 1, 2, 3]),
    which=small,
    other=small,
    after=st.sampled_from(SECONDS),
    silence=st.sampled_from([False, False, False, True]),
    kind=st.sampled_from([None, None, None, None, *Kind, Kind.MEANWHILE]),
    skip=small,
    answer=st.sampled_from([Answer.TAKEN, Answer.TAKEN_SILENTLY, *Answer]),
    look=st.sampled_from([Look.SHOWN, Look.SHOWN, *Look]),
    renewal=st.sampled_from([Renewal.GIVEN, *Renewal]),
    verb=st.sampled_from(["edit", "move", "cancel", "retry", "confirm"]),
)
