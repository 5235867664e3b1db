"""What a post on X can have: who can reply, a mark for what AI has made, a poll.

Quoting is closed to apps that register themselves, so it is not offered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.networks import option_values
from app.networks.base import Limits, Part
from app.networks.options import Given, Option, Poll, Shown, Value

REPLIES = (
    Value("following", "Accounts you follow"),
    Value("mentionedUsers", "Only accounts you mention"),
    Value("subscribers", "Your subscribers"),
    Value("verified", "Verified accounts"),
)
OFFERED = (
    Option("reply_settings", "choice", "Who can reply", REPLIES),
    Option("made_with_ai", "boolean", "Made with AI"),
    Option("poll", "poll", "Poll", poll=Poll("duration_minutes", 60, 5, 10_080, 4, 25)),
)


def check(given: Given, shown: Shown, _limits: Limits) -> None:
    """Raise OptionProblem for what X does not take."""
    option_values.check(OFFERED, given)
    option_values.refuse_poll_with_pictures(given, shown)


def fields(part: Part) -> Mapping[str, Any]:
    """Return what a part says of them in ``POST /2/tweets``.

    Who can reply is said of a conversation as a whole, and the poll is in the first part.
    """
    names = ("made_with_ai", "reply_settings", "poll") if part.is_first else ("made_with_ai",)
    return {name: part.options[name] for name in names if name in part.options}
