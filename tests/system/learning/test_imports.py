"""Imports through real pages and a real worker, from networks that are played."""

from __future__ import annotations

from typing import Any

from app.db import db, from_now
from app.models import BackgroundTask
from tests.support.learner import Learner
from tests.support.sandbox import ControlPanel
from tests.support.waiting import wait_for
from tests.support.world import World

IS_IMPORT = BackgroundTask.kind == "import"


def facts_of(network: ControlPanel) -> Any:
    """Return what the sandbox tells, with the posts of a past."""
    return network.http.get(f"{network.url}/control/api/state?history=1", timeout=10).json()


def importer_of(world: World) -> int:
    """Return which worker imports; its process."""
    with world.rows():
        owner = db.session.scalars(db.select(BackgroundTask.owner).where(IS_IMPORT)).one()
        return int(owner.split(":")[1])


def end_leases(world: World) -> None:
    """Let thirty seconds pass for imports whose worker is gone."""
    with world.rows():
        running = db.update(BackgroundTask).where(IS_IMPORT)
        db.session.execute(running.values(next_at=from_now()))
        db.session.commit()


def test_x_is_read_after_both_have_agreed(make_world, database_url) -> None:  # type: ignore[no-untyped-def]
    """Owner and network; each thing is stored once and charged once, and news alone later."""
    world: World = make_world(database_url)
    site = world.start_web()
    world.start_worker()
    world.sandbox.control("history", handle="ana", posts=130, likes=40, follows=10)
    ana = Learner(world, site)
    before = ana.learning()
    assert (before["state"], before["reads"]) == ("off", ["posts", "likes"])
    assert before["caps"] == {"posts": 200, "likes": 100, "follows": 0}
    assert before["estimate_usd"] == 0.3
    asked = ana.agree()
    assert asked["learning"]["state"] == "needs_consent"
    done = ana.until_on()
    assert done["found"] == {"posts": 130, "likes": 40, "follows": 0}
    assert (done["used"]["posts"], done["used"]["likes"], done["used"]["usd"]) == (130, 40, 0.17)
    assert done["error"] is None
    assert facts_of(world.sandbox)["reads"]["ana"] == {"posts": 130, "likes": 40, "follows": 0}
    posts = ana.items(kind="post")
    assert {one["remote_id"] for one in posts} == {
        one["id"] for one in facts_of(world.sandbox)["history"]
    }
    job = world.tweet_later(world.user("ana"), "written here, read there")
    world.until_settled([job])
    again = ana.import_and_wait()
    assert again["found"]["posts"] == 131
    reads = facts_of(world.sandbox)["reads"]["ana"]
    assert reads["posts"] == 131
    assert reads["likes"] <= 45
    ours = [one for one in ana.items(kind="post") if one["job_id"]]
    assert [(one["job_id"], one["text"]) for one in ours] == [(job, "written here, read there")]


def test_where_reading_is_free_edits_and_deletions_follow(make_world, sqlite_url) -> None:  # type: ignore[no-untyped-def]
    """Every fourth run reads all again; what its owner deleted here stays away."""
    world: World = make_world(sqlite_url, IMPORT_INTERVAL="3600")
    mastodon = world.sandbox.on("mastodon")
    mastodon.control("history", handle="ana", posts=90, likes=50, follows=90)
    site = world.start_web()
    world.start_worker()
    ana = Learner(world, site, "mastodon")
    ana.agree()
    first = ana.until_on()
    assert first["found"] == {"posts": 90, "likes": 50, "follows": 90}
    assert (first["caps"], first["estimate_usd"], first["used"]["usd"]) == (None, None, 0)
    assert len(ana.items()) == 230
    assert {one["created_at"] for one in ana.items(kind="follow")} == {None}
    posts = ana.items(kind="post")
    edited, deleted, unwanted = (post["remote_id"] for post in posts[10:13])
    control = f"{mastodon.url}/control/api/posts"
    assert mastodon.http.patch(f"{control}/{edited}", json={"text": "other words"}).ok
    assert mastodon.http.delete(f"{control}/{deleted}").ok
    item = f"/accounts/{ana.account_id}/learned/{posts[12]['id']}"
    assert ana.visitor.post(item, verb="DELETE").status_code == 204
    for _ in range(3):
        told = ana.import_and_wait()
    assert told["found"] == {"posts": 88, "likes": 50, "follows": 90}
    now = {post["remote_id"]: post["text"] for post in ana.items(kind="post")}
    assert now[edited] == "other words"
    assert not {deleted, unwanted} & set(now)
    assert [one["remote_id"] for one in ana.items(q="OTHER words")] == [edited]
    assert (
        ana.visitor.post(f"{ana.path}?forget=1", verb="DELETE").json()["learning"]["state"] == "off"
    )
    assert ana.items() == []
    assert ana.import_now().status_code == 409


def test_a_killed_import_goes_on_where_it_was(make_world, database_url) -> None:  # type: ignore[no-untyped-def]
    """However often; two workers beside each other read no page twice into the rows."""
    world: World = make_world(database_url)
    bluesky = world.sandbox.on("bluesky")
    bluesky.control("history", handle="ana.test", posts=900, likes=300, follows=500)
    bluesky.fault("slow", operation="timeline", seconds=0.1, count=1000)
    site = world.start_web()
    workers = {worker.pid: worker for worker in (world.start_worker(), world.start_worker())}
    ana = Learner(world, site, "bluesky")
    ana.agree()
    for goal in (150, 400, 800):
        wait_for(lambda: sum(ana.learning()["found"].values()) > goal, what="progress")  # noqa: B023
        world.kill(workers.pop(importer_of(world)))
        end_leases(world)
        fresh = world.start_worker()
        workers[fresh.pid] = fresh
    bluesky.http.delete(f"{bluesky.url}/control/api/faults")
    done = ana.until_on(120)
    assert done["found"] == {"posts": 900, "likes": 300, "follows": 500}
    ids = [(one["kind"], one["remote_id"]) for one in ana.items()]
    assert len(ids) == len(set(ids)) == 1_700
