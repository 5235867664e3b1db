"""Pauses: nothing of what operators pause begins, what waits is shown, and it ends as they say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.db import db, from_now, utcnow
from app.kinds import QUEUES
from app.models import Account, Delivery, Pause
from app.states import State
from tests.conftest import MakeWorld
from tests.support.desk import operator_at
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow
JSON = {"Accept": "application/json"}


@pytest.fixture
def site(make_world: MakeWorld, database_url: str) -> World:
    """Pages on each database; tests start the worker when they need it."""
    world = make_world(database_url)
    world.site = world.start_web()
    return world


@pytest.fixture(scope="module")
def place(make_lasting_world: Callable[..., World]) -> World:
    """Pages and a worker for the tests that are not about the database."""
    world = make_lasting_world()
    world.site = world.start_web()
    world.start_worker()
    return world


def paused(visitor: Visitor, scope: str, value: Any = None, status: int = 201) -> Any:
    """Pause something as a program does."""
    body = {"scope": scope} if value is None else {"scope": scope, "value": value}
    answer = visitor.post("/operations/pauses", **body)
    assert answer.status_code == status, answer.text
    return answer.json().get("pause")


def resumed(visitor: Visitor, pause: Any, then: str) -> Any:
    """Resume; return the record, once all that waited is counted in it."""
    answer = visitor.post(f"/operations/pauses/{pause['id']}/resume", then=then)
    assert answer.status_code == 202, answer.text
    number = answer.json()["audit"]["id"]

    def done() -> Any:
        record = visitor.get(f"/operations/audit/{number}", headers=JSON).json()["audit"]
        return record["finished_at"] and record

    return wait_for(done, what="the end of the action")


def written(visitor: Visitor, text: str, when: str = "now") -> str:
    """Write a tweet; return its job id."""
    return str(visitor.post("/tweets", text=text, when=when).json()["job_id"])


def until_held(visitor: Visitor, job_id: str) -> None:
    """Wait until a job waits for the end of a pause, as its owner sees it."""
    wait_for(lambda: visitor.status(job_id)["state"] == State.HELD, what="the hold")
    error = visitor.status(job_id)["error"]
    assert error["code"] == "paused"
    assert "paused posting" in error["message"]


def test_nothing_begins_after_the_answer(site: World) -> None:
    """In the middle of a burst: not one call after the pause, and all of them later, once."""
    olga = operator_at(site, "olga")
    site.sandbox.fault("slow", seconds=0.5, count=None)
    people = [site.user(f"p{n}") for n in range(12)]
    jobs = [site.tweet_later(user, f"{user} says {n}") for n in range(12) for user in people]
    site.start_worker()
    wait_for(lambda: site.sandbox.calls() >= 20, what="a burst")
    pause = paused(olga, "all")
    calls = site.sandbox.calls()
    assert calls < len(jobs)
    states = {State.PUBLISHED, State.HELD}
    wait_for(lambda: set(site.states(jobs).values()) <= states, what="the end of all the others")
    assert site.sandbox.calls() == calls
    with site.rows():
        held = db.session.scalar(
            db.select(db.func.count(Delivery.id)).where(Delivery.state == State.HELD)
        )
    assert held == len(jobs) - calls
    record = resumed(olga, pause, "send")
    assert (record["action"], record["matched"], record["done"]) == ("resume_send", held, held)
    assert set(site.until_settled(jobs).values()) == {State.PUBLISHED}
    assert site.sandbox.calls() == len(jobs)


def test_undo_and_the_ways_to_resume(site: World) -> None:
    """As if it had not been, sent, moved by its length, or discarded."""
    olga = operator_at(site, "olga")
    site.start_worker()
    (account,) = _ids(site, "olga")

    pause = paused(olga, "network", "x")
    assert (pause["scope"], pause["value"], pause["by"]) == ("network", "x", "olga")
    assert paused(olga, "network", "x")["id"] == pause["id"]
    record = olga.get("/operations/audit", headers=JSON).json()
    assert [one["action"] for one in record["audit"]] == ["pause"]
    undone = written(olga, "Undone")
    until_held(olga, undone)
    assert "paused posting to X" in olga.get("/").text
    assert olga.get("/healthz").status_code == 200
    assert olga.post(f"/operations/pauses/{pause['id']}/undo").status_code == 200
    assert olga.post(f"/operations/pauses/{pause['id']}/undo").status_code == 200
    assert site.until_settled([undone])[undone] == State.PUBLISHED
    assert "paused posting" not in olga.get("/").text

    pause = paused(olga, "account", account)
    moved = written(olga, "Moved")
    until_held(olga, moved)
    due_at = _moment(olga.status(moved)["due_at"])
    assert resumed(olga, pause, "shift")["done"] == 1
    later = _moment(olga.status(moved)["due_at"]) - due_at
    assert timedelta(0) < later < timedelta(seconds=60)
    assert site.until_settled([moved])[moved] == State.PUBLISHED

    pause = paused(olga, "queue", "publish")
    discarded = written(olga, "Discarded")
    until_held(olga, discarded)
    assert resumed(olga, pause, "discard")["done"] == 1
    assert site.states([discarded]) == {discarded: State.CANCELLED}
    again = olga.post(f"/operations/pauses/{pause['id']}/resume", then="discard")
    assert again.status_code == 202
    assert olga.post(f"/operations/pauses/{pause['id']}/resume", then="send").status_code == 409
    assert site.sandbox.texts()["Undone"] == site.sandbox.texts()["Moved"] == 1


def test_many_pauses(place: World) -> None:
    """A page has fifty, newest first, and says where the next one begins."""
    olga = operator_at(place, "olga")
    first = paused(olga, "account", "@olga")["id"]
    with place.rows():
        by = db.session.get(Pause, first).user_id
        made = [
            Pause(scope="account", value=str(n), user_id=by, at=utcnow(), undo_until=utcnow())
            for n in range(1000, 1060)
        ]
        db.session.add_all(made)
        db.session.commit()
        ids = [first, *(one.id for one in made)]
    try:
        pages = [olga.get("/operations/pauses", headers=JSON).json()]
        before = {"before": pages[0]["next"]}
        pages.append(olga.get("/operations/pauses", params=before, headers=JSON).json())
        listed = [one["id"] for page in pages for one in page["pauses"]]
        assert listed == sorted(ids, reverse=True)
        assert [len(page["pauses"]) for page in pages] == [50, 11]
        assert pages[1]["next"] is None
    finally:
        with place.rows():
            db.session.execute(db.delete(Pause).where(Pause.id.in_(ids)))
            db.session.commit()


def test_too_late_and_unknown(place: World) -> None:
    """After ten seconds a pause is resumed and not undone; what is not there cannot be paused."""
    olga = operator_at(place, "olga")
    pause = paused(olga, "all")
    with place.rows():
        db.session.execute(db.update(Pause).values(undo_until=from_now(-1)))
        db.session.commit()
    assert olga.post(f"/operations/pauses/{pause['id']}/undo").status_code == 409
    queues = olga.get("/operations/queues", headers=JSON).json()
    assert [one["name"] for one in queues["queues"] if one["paused"]] == list(QUEUES)
    listed = olga.get("/operations/pauses", headers=JSON).json()
    assert [one["id"] for one in listed["pauses"]] == [pause["id"]]
    assert "Paused: Everything" in olga.get("/operations/queues").text
    resumed(olga, pause, "send")
    for scope, value in (("network", "nowhere"), ("queue", "fast"), ("account", 999), ("all", [])):
        assert paused(olga, scope, value, 422) is None
    for verb in ("undo", "resume"):
        assert olga.post(f"/operations/pauses/999/{verb}", then="send").status_code in {404, 422}


def test_a_pause_under_a_wider_one(place: World) -> None:
    """What a second pause covers waits for that one, too."""
    olga = operator_at(place, "olga")
    everything, network = paused(olga, "all"), paused(olga, "network", "x")
    job = written(olga, "Twice paused")
    until_held(olga, job)
    assert resumed(olga, network, "discard")["done"] == 0
    assert olga.status(job)["state"] == State.HELD
    assert resumed(olga, everything, "send")["done"] == 1
    assert place.until_settled([job])[job] == State.PUBLISHED


def test_by_form(place: World) -> None:
    """Without scripts: pause, see how many wait, resume."""
    olga = operator_at(place, "olga")
    page = olga.submit("/operations/pauses", scope="account", value="@olga")
    assert page.status_code == 200
    assert "Paused: @olga on X" in page.text
    until_held(olga, written(olga, "By form"))
    (pause,) = olga.get("/operations/pauses", headers=JSON).json()["pauses"]
    assert "1 job waits" in olga.get(f"/operations/pauses/{pause['id']}").text
    shown = olga.submit(f"/operations/pauses/{pause['id']}/resume", then="send")
    assert "Resume and send what waited" in shown.text


def _ids(site: World, handle: str) -> list[int]:
    with site.rows():
        mine = db.select(Account.id).where(Account.handle == handle)
        return list(db.session.scalars(mine))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
