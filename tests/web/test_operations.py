"""What the operations page shows: numbers, lists, timelines, Redis, and the record of actions."""

from __future__ import annotations

import time

import psycopg
import pytest
import redis

from app.db import db, from_now
from app.models import Attempt, Delivery, OperationsAudit, User
from tests.conftest import MakeWorld
from tests.support.desk import ALL_KINDS, JSON, Desk
from tests.support.waiting import wait_for


def test_the_numbers_equal_the_rows(desk: Desk) -> None:
    """Each says its period; a list has as many jobs as its number says."""
    told = desk.get("/summary")
    numbers = {name: one["count"] for name, one in told["counts"].items()}
    assert numbers == {
        "published": 1,
        "failed": 1,
        "retrying": 3,
        "scheduled": 4,
        "queued": 3,
        "sending": 2,
        "unconfirmed": 1,
        "held": 2,
        "overdue": 2,
    }
    periods = {name for name, one in told["counts"].items() if one["period_s"] == 86_400}
    assert periods == {"published", "failed"}
    assert told["as_of"].endswith("Z")


def test_each_list_has_its_jobs(desk: Desk) -> None:
    """In order, with whose they are, which worker has them, and what comes next."""
    assert desk.listed("scheduled") == ["overdue", "told", "overdue and told", "waits"]
    assert desk.listed("retries") == ["tried and told", "tried", "put off"]
    assert desk.listed("failed") == ["failed", "failed long ago"]
    assert set(desk.listed("sending")) == {"claimed", "sending"}
    assert desk.listed("unconfirmed") == ["unconfirmed"]
    assert set(desk.listed("held")) == {"held", "review"}
    for tab, count in ALL_KINDS.items():
        answer = desk.get(f"/{tab}")
        assert (answer["total"], answer["total_is_exact"], answer["next"]) == (count, True, None)
        assert f"Words of {desk.listed(tab)[0]}" in desk.page(f"/{tab}")
    (job,) = (job for job in desk.get("/sending")["jobs"] if job["state"] == "claimed")
    assert (job["user"], job["worker"], job["text"]) == ("ben", "host:12", "Words of claimed")
    assert job["next_at"].endswith("Z")


def test_filters(desk: Desk) -> None:
    """By words, handle, network, reason and id; what nobody has gives nothing."""
    assert desk.listed("retries", text="WORDS OF PUT") == ["put off"]
    assert desk.listed("retries", text="100%") == []
    assert desk.listed("failed", reason="duplicate") == ["failed"]
    assert desk.listed("held", reason="reconnect") == ["held"]
    assert len(desk.listed("held", handle="@Ben", network="x")) == 2
    assert desk.listed("held", handle="ana") == desk.listed("held", network="mastodon") == []
    assert desk.listed("failed", job_id=desk.jobs["failed"]) == ["failed"]
    assert desk.listed("failed", job_id=desk.jobs["held"]) == []
    assert desk.get("/failed", reason="duplicate")["total"] == 1
    for odd in ({"before": "x"}, {"text": "a\nb"}, {"job_id": "x" * 300}):
        answer = desk.operator.get("/operations/failed", params=odd, headers=JSON)
        assert answer.status_code == 422


@pytest.mark.parametrize("query", [{}, {"text": "many"}, {"handle": "ben"}])
def test_pages(desk: Desk, query: dict[str, str]) -> None:
    """Fifty a page, each job once, also when all are due in the same moment."""
    with desk.world.rows():
        ben = db.session.get_one(User, desk.ben)
        made = [ben.tweet_later(f"One of many: {n}", "in 9 hours") for n in range(120)]
        waits = {
            "due_at": from_now(9_000),
            "not_before": from_now(9_000),
            "next_at": from_now(9_000),
        }
        db.session.execute(db.update(Delivery).where(Delivery.id.in_(made)).values(waits))
        db.session.commit()
    seen: list[str] = []
    before: dict[str, str] = {}
    while True:
        answer = desk.get("/scheduled", **query, **before)
        seen += [job["job_id"] for job in answer["jobs"]]
        if not answer["next"]:
            break
        assert len(answer["jobs"]) == 50
        before = {"before": answer["next"]}
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen)
    assert answer["total"] == len(seen)


def test_the_timeline_of_a_job(desk: Desk) -> None:
    """What was asked and answered, without what is secret."""
    job = desk.jobs["failed"]
    with desk.world.rows():
        asked = {"text": "Words", "access_token": "hush", "deep": [{"client_secret": "hush"}]}
        answer = {"outcome": "rejected", "http_status": 403, "code": "duplicate"}
        db.session.execute(
            db.insert(Attempt).values(
                delivery_id=job,
                fence=1,
                body=asked,
                started_at=from_now(-20),
                ended_at=from_now(-10),
                detail="No, twice",
                **answer,
            )
        )
        db.session.commit()
    found = desk.get(f"/jobs/{job}")
    assert found["job"]["job_id"] == job
    kinds = [event["kind"] for event in found["events"]]
    assert sorted(kinds) == ["answered", "asked", "claimed", "failed", "scheduled"]
    texts = {event["kind"]: event["text"] for event in found["events"]}
    assert '"text": "Words"' in texts["asked"]
    assert "hush" not in str(found) + desk.page(f"/jobs/{job}")
    assert texts["answered"] == "Refused · HTTP 403 · duplicate\nNo, twice"
    assert {event["worker"] for event in found["events"]} == {None}


def test_the_timeline_of_every_state(desk: Desk) -> None:
    """Each says where the job is now, in words."""
    said = {"told": "notified", "claimed": "claimed", "put off": "waits", "held": "held"}
    said |= {"unconfirmed": "looked_up", "review": "held"}
    for name, kind in {**said, "published": "published", "cancelled": "cancelled"}.items():
        events = desk.get(f"/jobs/{desk.jobs[name]}")["events"]
        assert kind in {event["kind"] for event in events}, name
        assert all(event["text"] and event["at"] for event in events), name
        assert events == sorted(events, key=lambda event: event["at"])


def test_an_unknown_job(desk: Desk) -> None:
    """There is none."""
    for job_id in ("x", "%00", "00000000-0000-4000-8000-000000000000"):
        assert desk.operator.get(f"/operations/jobs/{job_id}").status_code == 404


def test_redis(make_world: MakeWorld, sqlite_url: str) -> None:
    """Every key with its type; values only where nothing can be secret; nothing is written."""
    desk = Desk(make_world(sqlite_url))
    client = redis.Redis.from_url(desk.world.valkey.url)
    client.set("celery-task-meta-1", '{"result": "hush"}', ex=60)
    client.set("session:1", "hush")
    client.hset("unacked", "1", "hush")
    client.set("LIMITS:LIMITER/x", "3", ex=60)
    client.sadd("_kombu.binding.x", "publish")
    queue = desk.world.app.extensions["celery"].conf.task_default_queue
    client.lpush(queue, '{"body": "hush", "headers": {"id": "j", "task": "publish"}}')
    keys = {key["name"]: key for key in desk.get("/redis")["keys"]}
    assert (keys["celery-task-meta-1"]["type"], keys["celery-task-meta-1"]["size"]) == (
        "string",
        18,
    )
    assert 0 < keys["celery-task-meta-1"]["ttl_s"] <= 60
    assert keys["unacked"] == {"name": "unacked", "type": "hash", "size": 1, "ttl_s": None}
    assert {key["name"] for key in desk.get("/redis", match="unack")["keys"]} == {"unacked"}
    for name in ("celery-task-meta-1", "session:1", "unacked"):
        found = desk.get("/redis/key", name=name)
        assert (found["masked"], found["value"]) == (True, None)
        assert "hush" not in desk.page(f"/redis/key?name={name}")
    shown = {
        name: desk.get("/redis/key", name=name)["value"] for name in keys if "LIMITER/x" in name
    }
    assert shown == {"LIMITS:LIMITER/x": "3"}
    assert desk.get("/redis/key", name=queue)["value"] == [{"id": "j", "task": "publish"}]
    assert desk.get("/redis/key", name="_kombu.binding.x")["value"] == ["publish"]
    assert desk.operator.get("/operations/redis/key?name=gone").status_code == 404


def test_redis_in_pages(make_world: MakeWorld, sqlite_url: str) -> None:
    """SCAN's cursor leads through all of them."""
    desk = Desk(make_world(sqlite_url))
    names = {f"many:{n}" for n in range(300)}
    redis.Redis.from_url(desk.world.valkey.url).mset(dict.fromkeys(names, "x"))
    for query in ({}, {"match": "many:*"}):
        seen: set[str] = set()
        before: dict[str, str] = {}
        while True:
            answer = desk.get("/redis", **query, **before)
            seen |= {key["name"] for key in answer["keys"]}
            if answer["next"] is None:
                break
            before = {"before": answer["next"]}
        assert seen >= names


def test_redis_away(make_world: MakeWorld, sqlite_url: str) -> None:
    """All else goes on, and it is said."""
    desk = Desk(make_world(sqlite_url, REDIS_URL="redis://127.0.0.1:1/0"))
    assert desk.get("/redis") == {"keys": [], "next": None, "unavailable": True}
    assert desk.get("/redis/key", name="x")["unavailable"] is True
    assert "Redis does not answer" in desk.page("/redis")
    assert desk.get("/scheduled")["total"] == 4


def test_the_record_of_actions(desk: Desk) -> None:
    """Newest first, fifty a page."""
    with desk.world.rows():
        ana = User.by_handle("ana").id
        rows = [
            {
                "user_id": ana,
                "action": "retry",
                "chosen": {"tab": "failed"},
                "matched": n,
                "done": n,
            }
            for n in range(60)
        ]
        db.session.execute(db.insert(OperationsAudit), rows)
        db.session.commit()
    first = desk.get("/audit")
    assert [one["matched"] for one in first["audit"]] == list(range(59, 9, -1))
    second = desk.get("/audit", before=str(first["next"]))
    assert ([one["matched"] for one in second["audit"]], second["next"]) == (
        [*range(9, -1, -1)],
        None,
    )
    one = desk.get(f"/audit/{first['audit'][0]['id']}")["audit"]
    assert (one["by"], one["action"], one["filter"]) == ("ana", "retry", {"tab": "failed"})
    assert "tab: failed" in desk.page("/audit")
    assert desk.operator.get("/operations/audit/999").status_code == 404


def test_in_spanish(desk: Desk) -> None:
    """The whole frame speaks it."""
    page = desk.operator.get("/operations/held", headers={"Accept-Language": "es"}).text
    assert "Retenidos" in page
    assert "últimas 24 horas" in page


def test_a_database_that_does_not_answer(make_world: MakeWorld, postgres_url: str) -> None:
    """It is said on the page, within seconds, instead of what cannot be known."""
    desk = Desk(make_world(postgres_url))
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        connection.execute("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        told = desk.get("/summary")
        page = desk.page("/failed")
        assert time.monotonic() - began < 8  # on a busy machine; each waits for about a second
        assert told["unavailable"] is True
        assert {one["count"] for one in told["counts"].values()} == {None}
        assert "this list cannot be shown now" in page
        assert "nobody can say how many" in page
        answer = desk.operator.get("/operations/failed", headers=JSON)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database")
        connection.rollback()
    wait_for(lambda: desk.get("/summary")["counts"]["failed"]["count"] == 1, what="the numbers")
    assert desk.listed("failed") == ["failed", "failed long ago"]
