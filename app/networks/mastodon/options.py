"""What a post on Mastodon can have: who sees it, a content warning, a language, a poll."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.networks import option_values
from app.networks.base import VISIBILITY, Limits, Part
from app.networks.mastodon import text
from app.networks.options import Given, Option, OptionProblem, Poll, Shown, Value
from app.networks.text import graphemes

VISIBILITIES = (
    Value("public", "Public"),
    Value("unlisted", "Quiet public"),
    Value("private", "Followers"),
)
"""``direct`` is none of them: such a post would reach only those whom it mentions."""
EVERY_PART = ("spoiler_text", "sensitive", "language")
"""What each part of a thread says anew: a warning before the first part alone warns of nothing."""


def offered(limits: Limits) -> tuple[Option, ...]:
    """Return what can be set on a server with these limits."""
    told = "network" if limits.poll_options is None else "server"
    length = len if limits.unit == "codepoints" else graphemes
    poll = Poll(
        "expires_in",
        1,
        limits.poll_shortest or 300,
        limits.poll_longest or 2_629_746,
        limits.poll_options or 4,
        limits.poll_characters or 50,
        ("multiple",),
        length,
    )
    return (
        Option(
            VISIBILITY,
            "choice",
            "Visibility",
            VISIBILITIES,
            limits.visibility or None,
            source="server" if limits.visibility else "network",
        ),
        Option("spoiler_text", "text", "Content warning", limit=limits.characters, source=told),
        Option("sensitive", "boolean", "Mark pictures as sensitive"),
        Option("language", "language", "Language"),
        Option("poll", "poll", "Poll", source=told, poll=poll),
    )


def check(given: Given, shown: Shown, limits: Limits) -> None:
    """Raise OptionProblem for what no server with these limits takes."""
    option_values.check(offered(limits), given)
    option_values.refuse_poll_with_pictures(given, shown)
    warning = given.get("spoiler_text")
    if not warning:
        return
    if any(not words for words, _ in shown):
        raise OptionProblem("warning_without_text", name="spoiler_text")
    count = text.code_points if limits.unit == "codepoints" else text.length
    longest = max(count(words, limits.link_length) for words, _ in shown)
    length = longest + count(warning, limits.link_length)
    if length > limits.characters:
        raise OptionProblem(
            "warning_too_long", name="spoiler_text", length=length, limit=limits.characters
        )


def fields(part: Part) -> Mapping[str, Any]:
    """Return what a part says of them in ``POST /api/v1/statuses``; the first has the poll."""
    given = part.options
    said = {name: given[name] for name in (VISIBILITY, *EVERY_PART) if name in given}
    if part.is_first and "poll" in given:
        said["poll"] = given["poll"]
    return said
