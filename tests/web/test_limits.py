"""Too many requests of one person are refused with a moment to come back."""

from __future__ import annotations

from tests.conftest import MakeWorld
from tests.support.visitor import Visitor


def test_too_many_tweets_a_minute(make_world: MakeWorld, sqlite_url: str) -> None:
    """The one too many gets 429, Retry-After in seconds and a sentence; it is not stored."""
    world = make_world(sqlite_url, RATE_LIMIT_WRITES="3 per minute")
    site = world.start_web()
    ana, ben = Visitor(site), Visitor(site)
    ana.sign_in("ana")
    ben.sign_in("ben")
    answers = [ana.post("/tweets", text=f"number {n}", when="in one hour") for n in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    refused = answers[-1]
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.json()["error"]["message"].endswith(".")
    assert "number 3" not in ana.get("/").text
    assert ben.post("/tweets", text="mine", when="in one hour").status_code == 202
