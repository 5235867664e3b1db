"""Options from the row to every network: what was set is what its sandbox has."""

from __future__ import annotations

from typing import Any

from app.db import db
from app.models import User
from app.states import State
from tests.support.world import World

POLL = {"options": ["Tea", "Coffee"], "expires_in": 3600, "multiple": False}
GIVEN: dict[str, dict[str, Any]] = {
    "x": {
        "reply_settings": "following",
        "made_with_ai": True,
        "poll": {"options": ["Tea", "Coffee"], "duration_minutes": 30},
    },
    "mastodon": {
        "visibility": "unlisted",
        "spoiler_text": "Drinks",
        "sensitive": True,
        "language": "de",
        "poll": POLL,
    },
    "bluesky": {"langs": ["de"], "labels": ["graphic-media"], "postgate": "disableRule"},
    "facebook": {"link": "https://example.com/drinks"},
}


def test_one_tweet_with_options_on_every_network(small_world: World) -> None:
    """A thread of two: the first part has all, the second what holds for every part, once each."""
    world = small_world
    user_id = world.user("ana")
    for network in ("mastodon", "bluesky", "facebook"):
        world.connect(user_id, network, "ana")
    world.sandbox.on("bluesky").fault("accept_then_drop")  # found with its gate, not sent again
    world.start_worker()
    with world.rows():
        user = db.session.get_one(User, user_id)
        options = {account.id: GIVEN[account.network] for account in user.accounts}
        parts = [{"text": "Tea or coffee?"}, {"text": "Say why."}]
        job_id = user.tweet_later("", parts=parts, accounts="all", options=options)
    jobs = list(world.jobs_of(job_id).values())
    assert world.until_settled(jobs) == dict.fromkeys(jobs, State.PUBLISHED)

    made = {name: world.sandbox.on(name).accepted() for name in GIVEN}
    assert {name: len(posts) for name, posts in made.items()} == {
        "x": 2,
        "mastodon": 2,
        "bluesky": 2,
        "facebook": 1,
    }
    for network in ("x", "mastodon", "facebook"):
        first, given = made[network][0], GIVEN[network]
        assert {name: first[name] for name in given} == given
    second = made["mastodon"][1]
    assert (second["spoiler_text"], second["poll"]) == ("Drinks", None)
    assert (made["x"][1]["made_with_ai"], made["x"][1]["poll"]) == (True, None)
    for post in made["bluesky"]:
        assert (post["langs"], post["labels"]) == (["de"], ["graphic-media"])
        assert post["postgate"]["post"] == post["id"]
