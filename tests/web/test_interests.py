"""Interests and suggestions over HTTP: what is answered, to whom, and with how many queries."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import learning
from app.accounts import sessions
from app.accounts.audit import Visit
from app.db import db
from app.models import Account, User, interest
from tests.support import past
from tests.support.world import World
from tests.web.test_start_page import counted

JSON = {"Accept": "application/json"}
TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
QUERIES = {
    "/interests": 3,  # the session with its user, interests, when they were found
    "/suggestions": 4,  # the session, suggestions, what is hidden, when they were found
    "/suggestions/surprise": 4,  # the session, what there is, what was drawn, what is hidden
}


def signed_in(world: World, handle: str) -> FlaskClient:
    """Return a client in which somebody new is signed in."""
    user_id = world.user(handle)
    with world.rows():
        account = db.session.get_one(Account, world.accounts_of(user_id)[0])
        visit = Visit("127.0.0.1", "Firefox on Linux")
        key = sessions.open_session(user_id, account, visit, browser_key="known", is_known=True)
    client = world.app.test_client()
    with client.session_transaction() as session:
        session["key"], session["_user_id"] = key, str(user_id)
    return client


def send(client: FlaskClient, method: str, path: str, **body: object) -> TestResponse:
    """Send JSON with the token of the page."""
    found = TOKEN.search(client.get("/settings").text)
    assert found
    headers = {**JSON, "X-CSRFToken": found[1]}
    return client.open(path, method=method, json=body, headers=headers)


def submit(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Send a form."""
    found = TOKEN.search(client.get("/settings").text)
    assert found
    return client.post(path, data={"csrf_token": found[1], **fields})


@pytest.fixture
def ana(small_world: World) -> FlaskClient:
    """Somebody with a past that a worker has looked at."""
    client = signed_in(small_world, "ana")
    with small_world.rows():
        user = User.by_handle("ana")
        past.remember(user.accounts[0].id, 60, 10)
        interest.stale(user.id)
        past.hurry(user.id)
        claimed = interest.claim()
        assert claimed is not None
        assert learning.interests.find(claimed)
    return client


@pytest.fixture
def ben(small_world: World) -> FlaskClient:
    """Somebody of whom nothing is known."""
    return signed_in(small_world, "ben")


def test_interests(ana: FlaskClient, ben: FlaskClient) -> None:
    """Listed, hidden and pinned by their owner, as JSON and as a form."""
    answer = ana.get("/interests", headers=JSON).get_json()
    assert answer["as_of"].endswith("Z")
    first = answer["interests"][0]
    assert first.keys() == {"id", "kind", "label", "weight", "hidden", "pinned"}
    path = f"/interests/{first['id']}"
    assert send(ben, "PATCH", path, hidden=True).status_code == 404
    changed = send(ana, "PATCH", path, hidden=True)
    assert changed.get_json() == {"interest": {**first, "hidden": True}}
    assert ana.get("/interests", headers=JSON).get_json()["interests"][-1]["id"] == first["id"]
    assert send(ana, "PATCH", path, pinned=True).get_json()["interest"]["hidden"] is False
    for refused in ({}, {"hidden": 1}, {"hidden": "yes"}, {"weight": 3}):
        assert send(ana, "PATCH", path, **refused).status_code == 422
    assert send(ana, "PATCH", f"/interests/{2**40}", hidden=True).status_code == 404
    assert submit(ana, path, hidden="1").status_code == 303
    assert "Show again" in ana.get("/interests").text
    assert ben.get("/interests", headers=JSON).get_json() == {"interests": [], "as_of": None}


def test_suggestions(ana: FlaskClient, ben: FlaskClient) -> None:
    """Each with its reason and its words, in the reader's language; dismissed by their owner."""
    answer = ana.get("/suggestions", headers=JSON).get_json()
    assert len(answer["suggestions"]) == 5
    first = answer["suggestions"][0]
    assert first.keys() == {"id", "text", "reason", "source"}
    assert first["source"].keys() == {"kind", "id", "label"}
    path = f"/suggestions/{first['id']}"
    assert ana.get(path, headers=JSON).get_json() == {"suggestion": first}
    in_spanish = ana.get(path, headers={**JSON, "Accept-Language": "es"}).get_json()
    assert in_spanish["suggestion"]["reason"] != first["reason"]
    assert send(ben, "POST", f"{path}/dismiss").status_code == 404
    assert send(ana, "POST", f"{path}/dismiss", why="x").status_code == 422
    assert send(ana, "POST", f"{path}/dismiss").status_code == 200
    assert send(ana, "POST", f"{path}/dismiss").status_code == 200
    left = ana.get("/suggestions", headers=JSON).get_json()["suggestions"]
    assert first["id"] not in [one["id"] for one in left]
    assert ana.get(path, headers=JSON).status_code == 404


def test_a_surprise(ana: FlaskClient, ben: FlaskClient) -> None:
    """Another one each time; 404 while nothing is known; hobbies are known at once."""
    drawn = [ana.get("/suggestions/surprise", headers=JSON) for _ in range(10)]
    assert {answer.headers["Cache-Control"] for answer in drawn} == {"no-store"}
    assert len({answer.get_json()["text"] for answer in drawn}) > 3
    refused = ben.get("/suggestions/surprise", headers=JSON)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (404, "nothing_known")
    kept = {"timezone": "UTC", "locale": "", "late_tolerance_hours": "6"}
    assert submit(ben, "/settings", **kept, hobbies="Chess,  old films,chess").status_code == 303
    assert 'value="Chess, old films"' in ben.get("/settings").text
    found = ben.get("/suggestions/surprise", headers=JSON).get_json()
    assert (found["source"]["kind"], found["source"]["id"]) == ("hobby", None)
    assert found["source"]["label"] in {"Chess", "old films"}
    assert f"about {found['source']['label']}" in ben.get("/suggestions").text
    assert submit(ben, "/settings", **kept).status_code == 303  # left out: nothing changes
    assert 'value="Chess, old films"' in ben.get("/settings").text
    assert submit(ben, "/settings", **kept, hobbies="").status_code == 303
    assert ben.get("/suggestions/surprise", headers=JSON).status_code == 404
    too_long = submit(ben, "/settings", **kept, hobbies="x" * 1_001)
    assert too_long.status_code == 422
    assert "far too long" in too_long.text


@pytest.mark.parametrize("path", QUERIES)
def test_no_view_adds_anything_up(small_world: World, ana: FlaskClient, path: str) -> None:
    """A few queries by an index, however long the past; none of them aggregates or sorts it."""
    with counted(small_world) as asked:
        assert ana.get(path, headers=JSON).status_code == 200
    assert len(asked) == QUERIES[path], asked
    statements = " ".join(asked).lower()
    assert not re.search(r"group by|count\(|sum\(|avg\(|random\(", statements)
