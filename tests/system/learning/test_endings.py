"""How imports end: within their caps, and with a word in the row where they could not go on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app import background
from app.db import db, utcnow
from app.learning import import_account
from app.models import Account
from app.web.schemas import moment_of
from tests.support.learner import Learner
from tests.support.world import World

HANDLES = iter(f"reader{number}" for number in range(100))


@pytest.fixture
def world(make_world, sqlite_url) -> World:  # type: ignore[no-untyped-def]
    """An installation with pages and without a worker: imports run in the test."""
    made: World = make_world(sqlite_url)
    made.site = made.start_web()
    return made


class Reader(Learner):
    """Somebody whose imports run here, one at a time."""

    def run(self, late_s: float = 0.0) -> str:
        """Import now; return what the run says.

        :param late_s: seconds since it was due.
        """
        with self.world.rows():
            background.begin_intervals("import", str(self.account_id), 7200)
            db.session.commit()
            (run,) = background.claim(["import"], 1, "a test")
            run.late_s = late_s
            result = import_account(run)
            run.finish(result)
            return result


def reader(world: World, posts: int, likes: int = 0, network: str = "x", **body: Any) -> Reader:
    """Return somebody with a past who has agreed."""
    handle = next(HANDLES) + (".test" if network == "bluesky" else "")
    world.sandbox.on(network).control("history", handle=handle, posts=posts, likes=likes)
    one = Reader(world, world.site, network, handle)
    one.agree(**body)
    return one


def error_of(one: Reader) -> str | None:
    """Return the code that the owner is told, with its sentences."""
    error = one.learning()["error"]
    assert error is None or (error["message"].endswith(".") and error["next_step"].endswith("."))
    return error and str(error["code"])


def reads_of(one: Reader) -> Any:
    """Return what the network returned for somebody."""
    return one.world.sandbox.state()["reads"][one.handle]


def test_a_cap_is_never_passed(world: World) -> None:
    """What is read costs no more; a higher cap lets it go on where it stopped."""
    one = reader(world, posts=130, likes=30, caps={"posts": 25, "likes": 7})
    one.run()
    assert reads_of(one) == {"posts": 25, "likes": 7, "follows": 0}
    assert error_of(one) is None
    assert one.learning()["found"] == {"posts": 25, "likes": 7, "follows": 0}
    one.run()
    assert reads_of(one) == {"posts": 25, "likes": 7, "follows": 0}
    for caps, state in (({"posts": 20}, "on"), ({"posts": 200, "likes": 8}, "importing")):
        changed = one.visitor.post(one.path, verb="PATCH", caps=caps)
        assert changed.json()["learning"]["state"] == state
    assert changed.json()["learning"]["estimate_usd"] == 0.208
    one.run()
    assert reads_of(one) == {"posts": 130, "likes": 7, "follows": 0}  # a page has five likes
    assert one.learning()["used"]["posts"] == 130


def test_everything_again_only_when_asked(world: World) -> None:
    """Where reading costs, edits and deletions are noticed by a whole run alone, within the cap."""
    one = reader(world, posts=20)
    one.run()
    posts = one.items(kind="post")
    control = f"{world.sandbox.url}/control/api/posts"
    assert world.sandbox.http.delete(f"{control}/{posts[3]['remote_id']}").ok
    assert world.sandbox.http.patch(f"{control}/{posts[5]['remote_id']}", json={"text": "new"}).ok
    for _ in range(4):
        one.run()
    assert one.learning()["found"]["posts"] >= 20
    assert reads_of(one)["posts"] <= 21  # one that was edited is new there
    assert one.import_now(full=True).status_code == 202
    one.run()
    texts = [post["text"] for post in one.items(kind="post")]
    assert len(texts) == 19
    assert texts.count("new") == 1
    assert one.learning()["used"]["posts"] == reads_of(one)["posts"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"kind": "page_loop", "count": None}, "page_loop"),
        ({"kind": "rate_limit", "group": "short", "reset_in": 600}, "rate_limited"),
        ({"kind": "credits"}, "no_credits"),
        ({"kind": "status", "status": 503}, "unreachable"),
        ({"kind": "drop"}, "unreachable"),
    ],
)
def test_what_stops_an_import(world: World, fault: dict[str, Any], code: str) -> None:
    """Is said in the row, and the next run reads the rest; nothing twice, nothing above the cap."""
    one = reader(world, posts=150, likes=20, caps={"posts": 400})
    world.sandbox.fault(fault.pop("kind"), operation="timeline", **fault)
    one.run()
    assert error_of(one) == code
    told = one.learning()
    assert told["next_run_at"] is not None
    world.sandbox.http.delete(f"{world.sandbox.url}/control/api/faults")
    for _ in range(2):
        one.run()
    assert error_of(one) is None
    done = one.learning()
    assert done["found"] == {"posts": 150, "likes": 20, "follows": 0}
    assert reads_of(one)["posts"] <= done["used"]["posts"] <= 400


def test_a_network_that_grants_less(world: World) -> None:
    """Nothing is read before it has agreed, and another account's consent is not taken."""
    world.sandbox.control("history", handle="careful", posts=10)
    one = Reader(world, world.site, "x", "careful")
    address = one.visitor.post(one.path).json()["authorize_url"]
    assert one.learning()["state"] == "needs_consent"
    assert one.import_now().status_code == 409
    assert "@somebody" in one.approve(address, handle="somebody").text
    assert one.learning()["state"] == "needs_consent"
    with world.rows():
        handles = set(db.session.scalars(db.select(Account.handle)))
        assert handles == {"careful"}
    address = one.visitor.post(one.path).json()["authorize_url"]
    assert one.approve(address, decision="deny").status_code >= 400
    assert one.learning()["state"] == "needs_consent"


def test_a_page_of_facebook_has_posts_alone(world: World) -> None:
    """What a network does not have is a 422 with its name."""
    one = reader(world, posts=30, network="facebook")
    one.run()
    assert one.learning()["reads"] == ["posts"]
    assert one.learning()["found"]["posts"] == 30
    refused = one.visitor.post(one.path, verb="PATCH", reads=["posts", "likes"])
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "likes")


def test_runs_are_spread(world: World) -> None:
    """What an outage made late is put off at random; accounts that began together come apart."""
    one = reader(world, posts=5)
    moments = []
    for late_s in (0.0, 0.0, 100_000.0, 100_000.0, 100_000.0):
        said = one.run(late_s)
        assert (said == "put off") == (late_s > 0)
        moments.append(moment_of(one.learning()["next_run_at"]) - utcnow())
    assert reads_of(one)["posts"] == 5
    assert all(timedelta(0) < moment < timedelta(hours=5) for moment in moments)
    assert len({moment // timedelta(seconds=5) for moment in moments}) > 2
