"""Who may open what below /operations: every route, made from the app's own list of routes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from app import background
from app.db import db, utcnow
from app.models import OperationsAudit, Pause, Role, User
from tests.support.visitor import Visitor
from tests.support.world import World

VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")
IGNORED = {"HEAD", "OPTIONS"}
JSON, PAGE = "application/json", "text/html"
NEEDS = {"/operations/redis/key": "?name=tweet-later:generation"}
"""What an address needs to be understood."""


@dataclass
class Place:
    """An installation with somebody of each kind."""

    calls: list[tuple[str, str]]
    """(method, address)."""
    people: dict[str, Visitor]


@pytest.fixture(scope="module")
def place(running: World) -> Place:
    """Somebody of each kind; a job, a key and an action to be looked at."""
    people = {"anonymous": Visitor(running.site)}
    for name, role in (("user", None), ("reader", Role.READER), ("operator", Role.OPERATOR)):
        people[name] = Visitor(running.site)
        people[name].sign_in(f"op_{name}")
        with running.rows():
            User.by_handle(f"op_{name}").role = role
            db.session.commit()
    job = people["user"].post("/tweets", text="Later", when="in 20 hours").json()["job_id"]
    with running.rows():
        operator = User.by_handle("op_operator").id
        done = OperationsAudit(user_id=operator, action="retry", chosen={}, matched=0)
        db.session.add(done)
        db.session.commit()
        task = background.ask_for("long-task")
        now = utcnow()
        paused = Pause(scope="account", value="0", user_id=operator, at=now, undo_until=now)
        db.session.add(paused)
        db.session.commit()
        things = {"job_id": job, "audit_id": str(done.id), "task_id": task}
        things["pause_id"] = str(paused.id)
    return Place(list(calls_of(running, things)), people)


def calls_of(world: World, things: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Return every call below /operations, with things that are there in its address."""
    for rule in world.app.url_map.iter_rules():
        if rule.rule.split("/")[1] != "operations":
            continue
        path = VARIABLE.sub(lambda found: things.get(found[1], "1"), rule.rule)
        for method in sorted((rule.methods or set()) - IGNORED):
            yield method, path + NEEDS.get(path, "")


def ask(visitor: Visitor, method: str, path: str, accept: str) -> requests.Response:
    """Make a call as a program or a browser does; with a token, where there is one."""
    headers = {"Accept": accept, "X-CSRFToken": visitor.token()}
    address = f"{visitor.site}{path}"
    body = {} if method == "GET" else {"json": {}}
    return visitor.http.request(
        method, address, headers=headers, timeout=20, allow_redirects=False, **body
    )


def test_there_are_routes(place: Place) -> None:
    """The table is not empty."""
    assert ("GET", "/operations") in place.calls
    assert len(place.calls) > 12


def test_anonymous(place: Place) -> None:
    """Programs get 401, people are led to the sign-in."""
    for method, path in place.calls:
        assert ask(place.people["anonymous"], method, path, JSON).status_code == 401, path
        if method == "GET":
            page = ask(place.people["anonymous"], method, path, PAGE)
            assert (page.status_code, page.headers["Location"]) == (302, "/"), path


def test_user(place: Place) -> None:
    """Whoever has no role gets nothing, and the same for everything."""
    for method, path in place.calls:
        answer = ask(place.people["user"], method, path, JSON)
        assert answer.status_code == 403, path
        assert answer.json()["error"]["code"] == "forbidden", path
        if method == "GET":
            assert ask(place.people["user"], method, path, PAGE).status_code == 403, path


def test_reader(place: Place) -> None:
    """Everything can be looked at, and nothing done."""
    for method, path in place.calls:
        answer = ask(place.people["reader"], method, path, JSON)
        if method == "GET":
            assert answer.status_code == 200, (path, answer.text)
            assert ask(place.people["reader"], method, path, PAGE).status_code == 200, path
        else:
            assert answer.status_code == 403, path
            assert answer.json()["error"]["code"] == "forbidden", path


def test_operator(place: Place) -> None:
    """Nothing is forbidden."""
    for method, path in place.calls:
        answer = ask(place.people["operator"], method, path, JSON)
        if method == "GET":
            assert answer.status_code == 200, (path, answer.text)
        else:
            assert answer.status_code not in {401, 403, 405}, (path, answer.text)
            assert answer.status_code < 500, (path, answer.text)


def test_a_role_ends_at_once(running: World, place: Place) -> None:
    """Who is demoted is out with the next click, and loses the link."""
    reader = place.people["reader"]
    assert 'href="/operations"' in reader.get("/").text
    assert running.flask("user", "demote", "op_reader").returncode == 0
    assert reader.get("/operations").status_code == 403
    assert 'href="/operations"' not in reader.get("/").text
    assert running.flask("user", "promote", "op_reader", "--reader").returncode == 0
    assert reader.get("/operations").status_code == 200
