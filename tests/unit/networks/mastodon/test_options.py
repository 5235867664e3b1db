"""Options of posts on Mastodon: what its sandbox has of them, and how they are recognised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.networks import http
from app.networks.base import Limits, OutcomeKind, Part
from app.networks.mastodon import options
from app.networks.options import OptionProblem
from tests.support.creates import created
from tests.support.mastodon import MastodonSandbox, mastodon

POLL = {"options": ["Tea", "Coffee"], "expires_in": 3600, "multiple": True}
GIVEN = {
    "visibility": "private",
    "spoiler_text": "Tea ahead",
    "sensitive": True,
    "language": "es",
    "poll": POLL,
}
LIMITS = Limits(characters=500, link_length=23)


def begun(text: str, key: str = "0" * 32, **more: Any) -> Part:
    """Return a part whose first try begins now."""
    return Part(text, key, datetime.now(UTC), datetime.now(UTC), **more)


def test_what_was_set_is_there(server: MastodonSandbox) -> None:
    """The first part has all of it, a later one all but the poll; the server says limits."""
    client, ana = mastodon(), server.mint("ana")
    for part in (
        begun("One", "1" * 32, options=GIVEN),
        begun("Two", "2" * 32, options=GIVEN, is_first=False),
    ):
        body = client.body(part)
        assert created(client, ana, body, http.boottime() + 60).kind == OutcomeKind.OK
    first, second = server.state()["tweets"]
    assert {name: first[name] for name in GIVEN} == GIVEN
    assert {name: second[name] for name in GIVEN} == {**GIVEN, "poll": None}
    server.settings(poll_options=7)
    poll = {option.name: option for option in client.options(client.limits(ana))}["poll"]
    assert poll.poll is not None
    assert (poll.source, poll.poll.answers, poll.poll.shortest) == ("server", 7, 300)


def test_the_same_words_behind_another_warning_are_another_post(server: MastodonSandbox) -> None:
    """A look-up knows the post by its warning, too; words alone only look like it."""
    client, ana = mastodon(RECONCILE_DELAYS=[10]), server.mint("ana")
    server.fault("accept_then_drop")
    warned = client.body(begun("Tea", options={"spoiler_text": "Ahead", "poll": POLL}))
    plain = client.body(begun("Tea"))
    assert created(client, ana, warned, http.boottime() + 60).kind == OutcomeKind.AMBIGUOUS
    since = datetime.now(UTC) - timedelta(minutes=1)
    found = client.recent(ana, ana["id"], since, [warned, plain])
    sure = {post.comparable: post.is_certain for post in found}
    assert sure == {client.comparable(warned): True, client.comparable(plain): False}
    again = created(client, ana, warned, http.boottime() + 60)  # the same key, the same post
    assert again.kind == OutcomeKind.OK
    assert len(server.state()["tweets"]) == 1


@pytest.mark.parametrize(
    ("given", "shown", "code"),
    [
        ({"poll": POLL}, [("Look", 1)], "poll_with_pictures"),
        ({"spoiler_text": "Ahead"}, [("Look", 0), ("", 1)], "warning_without_text"),
        ({"spoiler_text": "x" * 101}, [("y" * 400, 0)], "warning_too_long"),
    ],
)
def test_what_does_not_go_together(given: Any, shown: Any, code: str) -> None:
    """A poll with pictures, a warning before nothing, and more characters than fit."""
    with pytest.raises(OptionProblem) as refusal:
        options.check(given, shown, LIMITS)
    assert refusal.value.code == code


def test_what_just_fits() -> None:
    """The warning counts, and pictures of a later part do not disturb the poll."""
    options.check({"spoiler_text": "x" * 100}, [("y" * 400, 0)], LIMITS)
    options.check({"poll": POLL}, [("Vote", 0), ("Look", 1)], LIMITS)
