"""Workers, queues, work at intervals and the long task, as operators see and change them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.db import db, utcnow
from app.kinds import QUEUES
from app.models import BackgroundTask, Worker
from tests.support.desk import operator_at
from tests.support.visitor import Visitor
from tests.support.waiting import wait_for
from tests.support.world import World

pytestmark = pytest.mark.slow
JSON = {"Accept": "application/json"}


@pytest.fixture
def operator(running: World) -> Visitor:
    """Somebody who may act, on an installation with a worker."""
    return operator_at(running, "olga")


def asked(visitor: Visitor, path: str) -> Any:
    """Ask as a program does."""
    answer = visitor.get(f"/operations{path}", headers=JSON)
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(visitor: Visitor, method: str, path: str, body: Any, status: int) -> Any:
    """Change something as a program does."""
    headers = {**JSON, "X-CSRFToken": visitor.token()}
    answer = visitor.http.request(
        method, f"{visitor.site}/operations{path}", headers=headers, json=body, timeout=20
    )
    assert answer.status_code == status, answer.text
    return answer.json()


def newest(visitor: Visitor) -> tuple[str, dict[str, Any], int]:
    """Return what was done last, to what, and to how many; it adds up."""
    last = asked(visitor, "/audit")["audit"][0]
    assert last["finished_at"]
    assert last["done"] + last["skipped"] == last["matched"] == 1
    assert last["by"] == "olga"
    return last["action"], last["filter"], last["done"]


def test_workers_and_queues(operator: Visitor) -> None:
    """One row for each process; all six queues, each with who takes it."""
    (worker,) = [one for one in asked(operator, "/workers")["workers"] if one["alive"]]
    assert worker["pid"] > 0
    assert worker["memory_bytes"] > 10_000_000
    assert worker["queues"] == sorted(QUEUES)
    queues = asked(operator, "/queues")["queues"]
    assert [queue["name"] for queue in queues] == list(QUEUES)
    assert all(queue["workers"] == [worker["id"]] for queue in queues)
    for page in ("/workers", "/queues"):
        shown = operator.get(f"/operations{page}")
        assert worker["id"] in shown.text


def test_stopping_a_worker(running: World, operator: Visitor) -> None:
    """It is asked to, and the record says by whom; of one that nobody knows it says nothing."""
    with running.rows():
        silent_since = utcnow() - timedelta(minutes=5)
        db.session.add(Worker(name="elsewhere:1", started_at=silent_since, seen_at=silent_since))
        db.session.commit()
    told(operator, "POST", "/workers/elsewhere:1/stop", {}, 202)
    assert newest(operator) == ("stop_worker", {"worker": "elsewhere:1"}, 1)
    (worker,) = [one for one in asked(operator, "/workers")["workers"] if one["pid"] < 2]
    assert worker["stopping"]
    told(operator, "POST", "/workers/nobody:1/stop", {}, 404)
    assert newest(operator)[1] == {"worker": "elsewhere:1"}


def test_work_at_intervals(operator: Visitor) -> None:
    """The list says what there is; an interval can be changed, switched off, and done at once."""
    known = {one["kind"]: one for one in asked(operator, "/periodic")["periodic"]}
    mine = known["sessions"]
    path = f"/periodic/{mine['id']}"
    changed = told(operator, "PATCH", path, {"every_s": 3600, "enabled": False}, 200)["periodic"]
    assert (changed["every_s"], changed["enabled"], changed["next_at"]) == (3600, False, None)
    changed = told(operator, "PATCH", path, {"enabled": True}, 200)["periodic"]
    assert changed["every_s"] == 3600
    assert changed["next_at"]
    before = changed["last_run_at"]
    now_on = {"kind": "sessions", "every_s": 3600, "on": True}
    assert newest(operator) == ("change_periodic", now_on, 1)
    told(operator, "POST", f"{path}/run", {}, 202)
    assert newest(operator)[:2] == ("run_periodic", {"kind": "sessions"})
    assert "kind: sessions" in operator.get("/operations/audit").text

    def run() -> Any:
        rows = asked(operator, "/periodic")["periodic"]
        (row,) = [one for one in rows if one["kind"] == "sessions"]
        return row["last_run_at"] != before

    wait_for(run, what="a run")
    assert told(operator, "PATCH", path, {"every_s": 1}, 422)["error"]["field"] == "every_s"
    refused = told(operator, "PATCH", path, {"every_s": 0}, 422)["error"]
    assert (refused["code"], refused["field"]) == ("out_of_bounds", "every_s")
    assert "every_s" in refused["message"]
    told(operator, "PATCH", "/periodic/nothing", {"every_s": 60}, 404)
    assert "sessions" in operator.get("/operations/periodic").text


def test_the_form_of_an_interval(operator: Visitor) -> None:
    """The same without scripts."""
    rows = asked(operator, "/periodic")["periodic"]
    (mine,) = [one for one in rows if one["kind"] == "retention"]
    answer = operator.submit(f"/operations/periodic/{mine['id']}", every_s="900")
    assert answer.status_code == 200, answer.text
    rows = asked(operator, "/periodic")["periodic"]
    (now,) = [one for one in rows if one["kind"] == "retention"]
    assert (now["every_s"], now["enabled"]) == (900, False)


def test_the_long_task(operator: Visitor) -> None:
    """A button begins it; its page shows how far it is, and on which worker."""
    begun = told(operator, "POST", "/long-task", {}, 202)
    assert newest(operator) == ("long_task", {"job_id": begun["job_id"]}, 1)
    path = begun["status_url"].removeprefix("/operations")

    def running() -> Any:
        found = asked(operator, path)
        return found["state"] == "PROGRESS" and found

    found = wait_for(running, what="its beginning")
    workers = [one["id"] for one in asked(operator, "/workers")["workers"]]
    assert found["worker"] in workers
    assert 0 <= found["percent"] <= 100
    assert "<progress" in operator.get(begun["status_url"]).text


def test_more_intervals_than_a_page(pages: World) -> None:
    """All rows are listed, each once and in order, however many accounts are imported."""
    operator = operator_at(pages, "olga")
    far = utcnow() + timedelta(days=300)
    with pages.rows():
        rows = [
            {
                "id": f"many-{number}",
                "kind": "import",
                "subject": f"{number}",
                "every_s": 7_200,
                "state": "waiting",
                "due_at": far,
                "next_at": far,
                "created_at": utcnow(),
                "enabled": True,
                "lost": 0,
                "percent": 0,
                "fence": 0,
            }
            for number in range(1_100)
        ]
        db.session.execute(db.insert(BackgroundTask), rows)
        db.session.commit()
        stored = db.select(db.func.count()).where(BackgroundTask.every_s.is_not(None))
        count = db.session.scalar(stored.select_from(BackgroundTask))
    shown: list[tuple[str, str]] = []
    following, seen = "", 0
    while following is not None:
        answer = asked(operator, f"/periodic?after={following}")
        shown += [(one["kind"], one["subject"]) for one in answer["periodic"]]
        following, seen = answer["next"], seen + 1
    assert (len(shown), len(set(shown)), seen) == (count, count, 3)
    assert 'rel="next"' in operator.get("/operations/periodic").text
