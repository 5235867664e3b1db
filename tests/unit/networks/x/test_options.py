"""Options of tweets on X: what the call says, and in which part of a thread."""

from __future__ import annotations

from typing import Any

import pytest

from app.networks.base import Limits
from app.networks.options import OptionProblem
from app.networks.x import options, posts
from tests.support.scripted import part

POLL = {"options": ["Tea", "Coffee"], "duration_minutes": 60}
GIVEN = {"reply_settings": "mentionedUsers", "made_with_ai": True, "poll": POLL}
LIMITS = Limits(characters=280)


def test_what_the_call_says() -> None:
    """The first part all of it; a later one only that AI has made it."""
    assert posts.body_of(part("Vote", options=GIVEN)) == {"text": "Vote", **GIVEN}
    later = part("Why", options=GIVEN, is_first=False, reply_to={"id": "1"})
    reply = {"in_reply_to_tweet_id": "1"}
    assert posts.body_of(later) == {"text": "Why", "reply": reply, "made_with_ai": True}


@pytest.mark.parametrize(
    ("given", "pictures", "code"),
    [
        ({"poll": POLL}, 1, "poll_with_pictures"),
        ({"poll": {**POLL, "duration_minutes": 4}}, 0, "poll_duration"),
        ({"poll": {**POLL, "options": ["a"] * 5}}, 0, "poll_answers"),
        ({"reply_settings": "everyone"}, 0, "option_value"),
        ({"quote_tweet_id": "1"}, 0, "option_unknown"),
    ],
)
def test_what_is_impossible(given: Any, pictures: int, code: str) -> None:
    """Pictures beside a poll, and what X does not know or is closed to us."""
    with pytest.raises(OptionProblem) as refusal:
        options.check(given, [("Vote", pictures)], LIMITS)
    assert refusal.value.code == code
