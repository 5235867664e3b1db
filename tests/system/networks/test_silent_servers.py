"""A Mastodon server that is down or fails for a while: nothing is lost, and its owner is told."""

from __future__ import annotations

import pytest

from app.states import State
from tests.support.mastodon import MastodonSandbox
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World


def test_the_accounts_page_says_that_a_server_is_down(small_world: World) -> None:
    """What waits for a server that nobody reaches is a problem to see, though nothing failed."""
    server = MastodonSandbox()
    site = small_world.start_web()
    small_world.start_worker()
    ana = Visitor(site)
    consent = ana.submit("/login/mastodon", server=server.url)
    ana.http.post(consent.url, data={"handle": "ana", "decision": "approve"}, timeout=20)
    assert "Mastodon could not be reached." not in ana.get("/accounts").text
    server.close()
    job = ana.post("/tweets", text="Are you there?").json()["job_id"]
    wait_for(lambda: ana.status(job)["error"], what="the first try")
    status = ana.status(job)
    assert (status["status"], status["state"]) == ("pending", "scheduled")
    assert status["error"]["code"] == "unreachable"
    assert "Mastodon could not be reached." in ana.get("/accounts").text


@pytest.mark.parametrize(
    ("software", "end", "posts"), [("mastodon", State.PUBLISHED, 1), ("pleroma", State.REVIEW, 0)]
)
def test_a_server_that_fails_again_and_again(
    small_world: World, software: str, end: State, posts: int
) -> None:
    """Mastodon's key guards every resend, so it gets the tweet; elsewhere its owner is asked."""
    server = small_world.sandbox.on("mastodon")
    server.settings(software=software)
    ana = small_world.user("ana", "mastodon")
    server.fault("status", status=503, count=3)
    small_world.start_worker()
    job = small_world.tweet_later(ana, "Are you well?")
    assert small_world.until_settled([job]) == {job: end}
    assert server.state()["accepted_count"] == posts
