"""What operators do: to jobs they name or to all that match, once, with a line in the record."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests

from app.db import db, from_now, utcnow
from app.models import Delivery, OperationsAudit, User
from app.operations import actions, lists
from app.states import State
from tests.conftest import MakeWorld
from tests.support.desk import Desk

FAILED = {
    "state": State.FAILED,
    "next_at": None,
    "finished_at": from_now(-10),
    "error_code": "duplicate",
    "attempts": 1,
}


def call(desk: Desk, action: str, **body: Any) -> requests.Response:
    """Act as a program does."""
    return desk.operator.post(f"/operations/jobs/{action}", **body)


def done(desk: Desk, action: str, **body: Any) -> tuple[int, int, int]:
    """Act, and return (matched, done, skipped)."""
    answer = call(desk, action, **body)
    assert answer.status_code == 202, answer.text
    audit = answer.json()["audit"]
    assert audit["finished_at"]
    assert audit["done"] + audit["skipped"] == audit["matched"]
    assert desk.get(f"/audit/{audit['id']}")["audit"] == audit
    return audit["matched"], audit["done"], audit["skipped"]


def states(desk: Desk, *names: str) -> list[str]:
    """Return where these jobs are now."""
    found = desk.world.states([desk.jobs[name] for name in names])
    return [found[desk.jobs[name]] for name in names]


def fail_many(desk: Desk, count: int) -> list[str]:
    """Let so many jobs of Ben's have failed."""
    with desk.world.rows():
        ben = db.session.get_one(User, desk.ben)
        made = [ben.tweet_later(f"Many {n}", "in 9 hours") for n in range(count)]
        db.session.execute(db.update(Delivery).where(Delivery.id.in_(made)).values(FAILED))
        db.session.commit()
    return made


def test_each_action_does_what_owners_can(desk: Desk) -> None:
    """To what is in the right state; all else is left alone and counted."""
    everything = list(desk.jobs.values())
    named = [desk.jobs[name] for name in ("failed", "published", "claimed", "sending")]
    assert done(desk, "retry", job_ids=named) == (4, 1, 3)
    assert states(desk, "failed", "published", "sending") == ["scheduled", "published", "sending"]
    named = [desk.jobs[name] for name in ("held", "waits", "failed long ago", "review")]
    assert done(desk, "reschedule", job_ids=named, when="in 3 hours") == (4, 3, 1)
    assert states(desk, "held", "failed long ago", "review") == ["scheduled"] * 2 + ["review"]
    link = "https://x.example/1"
    assert done(desk, "confirm", job_ids=[desk.jobs["review"]], url=link) == (1, 1, 0)
    row = desk.world.delivery(desk.jobs["review"])
    assert (row.state, row.remote_url) == (State.PUBLISHED, link)
    assert done(desk, "discard", job_ids=[desk.jobs["waits"], "unknown"]) == (1, 1, 0)
    assert states(desk, "waits") == ["cancelled"]
    assert done(desk, "confirm", job_ids=everything)[1] == 0


def test_all_that_match(desk: Desk) -> None:
    """Beyond the page's edge; a dry run says how many and changes nothing."""
    made = fail_many(desk, 230)
    many = {"tab": "failed", "text": "many"}
    answer = call(desk, "retry", filter=many, dry_run=True)
    assert (answer.status_code, answer.json()) == (200, {"matched": 230, "people": 1})
    assert set(desk.world.states(made).values()) == {State.FAILED}
    assert done(desk, "retry", filter=many) == (230, 230, 0)
    assert set(desk.world.states(made).values()) == {State.SCHEDULED}
    assert states(desk, "failed") == ["failed"]
    record = desk.get("/audit")["audit"][0]
    assert (record["by"], record["action"], record["filter"]) == ("ana", "retry", many)


def test_a_double_click_acts_once(desk: Desk) -> None:
    """Twice at the same moment, and once more later: one line, one answer, each retried once."""
    made = fail_many(desk, 210)
    answers: list[requests.Response] = []
    token = desk.operator.token()

    def click() -> None:
        body = {"filter": {"tab": "failed", "text": "many"}, "submit_id": "one"}
        headers = {"X-CSRFToken": token, "Accept": "application/json"}
        address = f"{desk.world.site}/operations/jobs/retry"
        cookies = desk.operator.http.cookies
        answers.append(
            requests.post(address, json=body, headers=headers, cookies=cookies, timeout=30)
        )

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with desk.world.rows():
        again = db.update(Delivery).where(Delivery.id.in_(made[:5])).values(FAILED)
        db.session.execute(again)
        db.session.commit()
    click()
    other = {"filter": {"tab": "failed", "text": "few"}, "submit_id": "one"}
    refused = desk.operator.post("/operations/jobs/retry", **other)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "submit_id_reused")
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.json()["audit"]["id"] for answer in answers}) == 1
    assert answers[-1].json()["audit"]["done"] == 210
    assert set(desk.world.states(made[:5]).values()) == {State.FAILED}
    with desk.world.rows():
        assert db.session.scalar(db.select(db.func.count(OperationsAudit.id))) == 1


def test_what_changed_meanwhile_is_left_alone(desk: Desk) -> None:
    """Its owner moved it, a worker took it: neither is touched."""
    with desk.world.rows():
        mine = actions.Chosen(tab="scheduled", wanted=lists.EVERYTHING)
        order = actions.Order(actions.Action.DISCARD, mine, due_at=None)  # type: ignore[arg-type]
        rows = mine.rows()
        assert len(rows) == 4
        moved = db.session.get_one(Delivery, desk.jobs["waits"]).tweet
        later = moved.due_at.replace(year=moved.due_at.year + 1)
        moved.reschedule(later)
        taken = {"state": State.CLAIMED, "fence": 1, "owner": "host:1:x"}
        taken |= {"lease_until": from_now(60), "next_at": from_now(60)}
        told = db.update(Delivery).where(Delivery.id == desk.jobs["told"])
        db.session.execute(told.values(taken))
        db.session.commit()
        assert actions._changed(order, rows) == 2
        db.session.commit()
    assert states(desk, "waits", "told") == ["scheduled", "claimed"]
    assert states(desk, "overdue", "overdue and told") == ["cancelled"] * 2


def test_what_may_be_there_is_sent_again_only_by_name(desk: Desk) -> None:
    """A filter never sends twice what nobody has looked at."""
    assert done(desk, "retry", filter={"tab": "held"}) == (2, 1, 1)
    assert states(desk, "held", "review") == ["scheduled", "review"]
    assert done(desk, "retry", job_ids=[desk.jobs["review"]]) == (1, 1, 0)
    assert states(desk, "review") == ["scheduled"]
    assert desk.world.delivery(desk.jobs["review"]).resends == 1


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("retry", {}),
        ("retry", {"job_ids": []}),
        ("retry", {"job_ids": ["x"], "filter": {"tab": "failed"}}),
        ("retry", {"filter": {"tab": "everything"}}),
        ("retry", {"filter": {"text": "a"}}),
        ("retry", {"job_ids": ["x"], "surprise": 1}),
        ("reschedule", {"job_ids": ["x"]}),
        ("reschedule", {"job_ids": ["x"], "when": "yesterday"}),
        ("confirm", {"job_ids": ["x"], "url": "javascript:alert(1)"}),
    ],
)
def test_what_is_refused(desk: Desk, action: str, body: dict[str, Any]) -> None:
    """With a sentence, and nothing is changed or written down."""
    answer = call(desk, action, **body)
    assert (answer.status_code, bool(answer.json()["error"]["message"])) == (422, True)
    assert desk.get("/audit")["audit"] == []


def test_people_are_asked_first(desk: Desk) -> None:
    """The form says how many and of how many people, and acts when it is sent again."""
    fields = {"tab": "held", "everything": "1"}
    asked = desk.operator.submit("/operations/jobs/discard", **fields)
    assert asked.status_code == 200
    assert "2 jobs, of 1 person." in asked.text
    assert states(desk, "held", "review") == ["held", "review"]
    shown = desk.operator.submit("/operations/jobs/discard", **fields, sure="1", submit_id="s")
    assert shown.url.endswith(f"/operations/audit/{desk.get('/audit')['audit'][0]['id']}")
    assert states(desk, "held", "review") == ["cancelled"] * 2
    nothing = desk.operator.submit("/operations/jobs/discard", tab="held")
    assert "No job is meant" in nothing.text


def test_a_held_thread_goes_on_where_it_was(desk: Desk) -> None:
    """Marking as posted is about the part in question: the next one is sent."""
    with desk.world.rows():
        parts = [{"text": "One", "pictures": []}, {"text": "Two", "pictures": []}]
        ben = db.session.get_one(User, desk.ben)
        job = ben.tweet_later("One", "in 2 hours", parts=parts)
        stuck = {"state": State.REVIEW, "next_at": None, "hold_reason": None}
        db.session.execute(db.update(Delivery).where(Delivery.id == job).values(stuck))
        db.session.commit()
    assert done(desk, "confirm", job_ids=[job]) == (1, 1, 0)
    row = desk.world.delivery(job)
    assert (row.state, len(row.posted)) == (State.SCHEDULED, 1)


def test_readers_only_look(desk: Desk) -> None:
    """They see no buttons."""
    assert "everything" in desk.page("/held")
    with desk.world.rows():
        User.by_handle("ana").role = "reader"
        db.session.commit()
    assert "everything" not in desk.page("/held")
    assert call(desk, "discard", filter={"tab": "held"}).status_code == 403


def test_a_worker_sends_each_once(make_world: MakeWorld, sqlite_url: str) -> None:
    """What was refused and is sent again by a filter goes out, once each."""
    world = make_world(sqlite_url)
    world.start_worker()
    world.sandbox.fault("refuse", handle="ben", count=12)
    ben = world.user("ben")
    jobs = [world.tweet_later(ben, f"Again {n}") for n in range(12)]
    assert set(world.until_settled(jobs).values()) == {State.FAILED}
    world.sandbox.mend()
    with world.rows():
        chosen = actions.Chosen(tab="failed", wanted=lists.Filter(handle="ben"))
        order = actions.Order(actions.Action.RETRY, chosen, utcnow())
        assert actions.act(order, ben, "one") == actions.act(order, ben, "one")
    assert set(world.until_settled(jobs).values()) == {State.PUBLISHED}
    texts = [post["text"] for post in world.sandbox.accepted() if post["text"].startswith("Again")]
    assert sorted(texts) == sorted(f"Again {n}" for n in range(12))
