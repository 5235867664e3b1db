"""Drafts over HTTP: kept, compared, made into tweets and back; nothing is lost or there twice."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app import pictures
from app.db import db, from_now, utcnow
from app.models import RESTORED, Delivery, Draft, Picture, PictureState, Tweet, User
from app.states import State
from tests.conftest import MakeWorld
from tests.support.world import World
from tests.web.test_interests import JSON, TOKEN, send, signed_in, submit

SHAPE = {
    *("id", "version", "text", "parts", "variants", "pictures", "accounts", "options", "when"),
    *("timezone", "updated_at"),
}

TOO_FAR: list[dict[str, Any]] = [
    {"state": State.SENDING, "owner": "a worker", "lease_until": utcnow(), "fence": 1},
    {"state": State.PUBLISHED, "next_at": None},
    {"state": State.REVIEW, "next_at": None},
    {"posted": [{"id": "1"}]},
    {"resends": 1},
    {"state": State.UNCONFIRMED},
    {"state": State.FAILED, "next_at": None, "resends": 1},
    {"state": State.FAILED, "next_at": None, "posted": [{"id": "1"}]},
    {"error_code": RESTORED},
]
"""What says that a post is being sent, is out, or may be."""


@pytest.fixture
def ana(small_world: World) -> FlaskClient:
    """Somebody who writes."""
    return signed_in(small_world, "ana")


@pytest.fixture
def ben(small_world: World) -> FlaskClient:
    """Somebody else."""
    return signed_in(small_world, "ben")


def token_of(client: FlaskClient) -> dict[str, str]:
    """Return the headers of the page's own script."""
    found = TOKEN.search(client.get("/settings").text)
    assert found
    return {**JSON, "X-CSRFToken": found[1]}


def put(client: FlaskClient, draft_id: int, seen: str | None, **body: object) -> TestResponse:
    """Replace a draft, of which a version was seen."""
    headers = token_of(client) | ({} if seen is None else {"If-Match": seen})
    return client.put(f"/drafts/{draft_id}", json=body, headers=headers)


def begun(client: FlaskClient, **body: object) -> dict[str, Any]:
    """Store a draft."""
    answer = send(client, "POST", "/drafts", **body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["ETag"] == '"1"'
    return answer.get_json()["draft"]


def drafts_of(client: FlaskClient) -> list[dict[str, Any]]:
    """List drafts."""
    return client.get("/drafts", headers=JSON).get_json()["drafts"]


def account_of(world: World, handle: str) -> int:
    """Return the id of somebody's first account."""
    with world.rows():
        return User.by_handle(handle).accounts[0].id


def test_kept_as_typed(small_world: World, ana: FlaskClient, ben: FlaskClient) -> None:
    """Nothing is required, everything comes back as it was typed, to its owner alone."""
    account = account_of(small_world, "ana")
    empty = begun(ana)
    assert empty.keys() == SHAPE
    assert (empty["text"], empty["when"], empty["version"]) == ("", "", 1)
    said = {
        "parts": [{"text": " first "}, {"text": ""}, {"text": "third\n"}],
        "variants": {str(account): {"text": "mine"}},
        "accounts": [account],
        "options": {str(account): {"visibility": "unlisted", "poll": {"options": ["a", "b"]}}},
        "when": "some day soon",
        "timezone": "Europe/Madrid",
        "mode": "later",
    }
    whole = begun(ana, **said)
    assert [part["text"] for part in whole["parts"]] == [" first ", "", "third\n"]
    assert whole["text"] == " first "
    for name in ("variants", "accounts", "options", "when", "timezone"):
        assert whole[name] == said[name]
    found = ana.get(f"/drafts/{whole['id']}", headers=JSON)
    assert (found.get_json()["draft"], found.headers["ETag"]) == (whole, '"1"')
    assert [one["id"] for one in drafts_of(ana)] == [whole["id"], empty["id"]]
    for path in (f"/drafts/{whole['id']}", f"/?draft={whole['id']}"):
        assert ben.get(path, headers=JSON).status_code == 404
    assert put(ben, whole["id"], '"1"', text="theirs").status_code == 404
    assert drafts_of(ben) == []
    other = account_of(small_world, "ben")
    for refused, field in (
        ({"txet": "x"}, "txet"),
        ({"accounts": [other]}, "accounts"),
        ({"variants": {str(other): {"text": "x"}}}, "accounts"),
        ({"pictures": [str(uuid.uuid4())]}, "pictures"),
        ({"timezone": "Mars/Phobos"}, "timezone"),
    ):
        answer = send(ana, "POST", "/drafts", **refused)
        assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field)
    assert len(drafts_of(ana)) == 2


def test_pages_of_the_list(small_world: World, ana: FlaskClient) -> None:
    """Fifty at a time, the newest first, until there are no more."""
    with small_world.rows():
        user_id = User.by_handle("ana").id
        rows = [
            Draft(user_id=user_id, written={"parts": [{"text": f"{n} <b>", "pictures": []}]})
            for n in range(52)
        ]
        db.session.add_all(rows)
        db.session.commit()
    first = ana.get("/drafts", headers=JSON).get_json()
    rest = ana.get(f"/drafts?before={first['next']}", headers=JSON).get_json()
    texts = [one["text"] for one in first["drafts"] + rest["drafts"]]
    assert texts == [f"{n} <b>" for n in reversed(range(52))]
    assert rest["next"] is None
    page = ana.get("/drafts").text
    assert "51 &lt;b&gt;" in page
    assert "Older ones" in page


def test_versions(ana: FlaskClient) -> None:
    """Who has seen the newest version replaces it; who has not is given what is stored."""
    made = begun(ana, text="one")
    assert put(ana, made["id"], None, text="two").status_code == 428
    changed = put(ana, made["id"], '"1"', text="two", when="tomorrow at 9")
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert changed.get_json()["draft"]["version"] == 2
    for seen in ('"1"', '"x"', '"99999999999999999999"'):
        late = put(ana, made["id"], seen, text="three")
        assert late.status_code == 412
        assert late.get_json()["error"]["code"] == "conflict"
        assert late.get_json()["draft"] == changed.get_json()["draft"]
    assert put(ana, made["id"], "*", text="four").get_json()["draft"]["version"] == 3
    assert put(ana, made["id"], '"3"', text=5).status_code == 422
    assert [one["text"] for one in drafts_of(ana)] == ["four"]
    assert send(ana, "DELETE", f"/drafts/{made['id']}").status_code == 204
    assert put(ana, made["id"], '"3"', text="five").status_code == 404
    assert begun(ana)["id"] > made["id"]  # an open page finds no other draft under its id


def test_once(ana: FlaskClient) -> None:
    """The same key makes one draft, also after changes; something else under it is refused."""
    headers = {**token_of(ana), "Idempotency-Key": "a key"}
    first, again = (ana.post("/drafts", json={"text": "x"}, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.get_json() == again.get_json()
    draft_id = first.get_json()["draft"]["id"]
    put(ana, draft_id, '"1"', text="y")
    late = ana.post("/drafts", json={"text": "x"}, headers=headers)
    assert (late.get_json()["draft"]["text"], late.headers["ETag"]) == ("y", '"2"')
    other = ana.post("/drafts", json={"text": "z"}, headers=headers)
    assert other.get_json()["error"]["code"] == "submit_id_reused"
    assert len(drafts_of(ana)) == 1


def test_it_becomes_a_tweet(small_world: World, ana: FlaskClient) -> None:
    """Stored as a tweet and gone as a draft, or neither."""
    made = begun(ana, parts=[{"text": "one"}, {"text": "two"}], when="in two days")
    path = f"/drafts/{made['id']}/schedule"
    for refused, code in (
        ({}, "empty_time"),
        ({"when": "yesterday"}, "past"),
        ({"queue": True}, "no_slots"),
        ({"when": "now", "queue": True}, "queue_or_time"),
    ):
        answer = send(ana, "POST", path, **refused)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (422, code)
    empty = begun(ana)
    answer = send(ana, "POST", f"/drafts/{empty['id']}/schedule", when="in one hour")
    assert answer.get_json()["error"]["code"] == "empty"
    assert len(drafts_of(ana)) == 2
    key = {**token_of(ana), "Idempotency-Key": "once"}
    tweet = ana.post(path, json={"when": "in one hour"}, headers=key)
    again = ana.post(path, json={"when": "in one hour"}, headers=key)
    assert (tweet.status_code, again.status_code) == (202, 202)
    assert tweet.get_json() == again.get_json()
    assert tweet.get_json().keys() == {"job_id", "status_url", "tweet", "jobs", "warnings"}
    assert send(ana, "POST", path, when="in one hour").status_code == 404
    with small_world.rows():
        stored = Tweet.query.one()
        assert [part["text"] for part in stored.parts] == ["one", "two"]
    assert [one["id"] for one in drafts_of(ana)] == [empty["id"]]
    same = begun(ana, parts=[{"text": "one"}, {"text": "two"}])
    answer = send(ana, "POST", f"/drafts/{same['id']}/schedule", when="in one hour")
    assert (answer.status_code, len(drafts_of(ana))) == (409, 2)
    answer = send(
        ana, "POST", f"/drafts/{same['id']}/schedule", when="in one hour", allow_duplicate=True
    )
    assert (answer.status_code, len(drafts_of(ana))) == (202, 1)


def test_a_tweet_becomes_a_draft(small_world: World, ana: FlaskClient, ben: FlaskClient) -> None:
    """Cancelled and kept in one step, unless something of it may be out."""
    account = account_of(small_world, "ana")
    said = {"text": "back", "when": "2027-03-01 10:00:00", "accounts": [account]}
    tweet_id = send(ana, "POST", "/tweets", **said).get_json()["tweet"]["id"]
    path = f"/tweets/{tweet_id}/draft"
    assert send(ben, "POST", path).status_code == 404
    key = {**token_of(ana), "Idempotency-Key": "back"}
    first, again = (ana.post(path, json={}, headers=key) for _ in range(2))
    assert (first.status_code, first.headers["ETag"]) == (201, '"1"')
    assert first.get_json() == again.get_json()
    kept = first.get_json()["draft"]
    assert {name: kept[name] for name in said} == said
    assert send(ana, "POST", path).status_code == 409
    job = ana.get(f"/tweets/{tweet_id}", headers=JSON).get_json()["jobs"][0]
    assert job["state"] == "cancelled"
    # Its own words, cancelled a moment ago, are no duplicate.
    answer = send(ana, "POST", f"/drafts/{kept['id']}/schedule", when="in one hour")
    assert answer.status_code == 202
    assert drafts_of(ana) == []


def test_what_failed_becomes_a_draft(small_world: World, ana: FlaskClient) -> None:
    """With its options and without the time that is over; it cannot be tried again beside it."""
    account = account_of(small_world, "ana")
    said = {"text": "no luck", "when": "in two days", "options": {account: {"made_with_ai": True}}}
    tweet_id = send(ana, "POST", "/tweets", **said, accounts=[account]).get_json()["tweet"]["id"]
    past = utcnow() - timedelta(hours=1)
    with small_world.rows():
        values = {"state": State.FAILED, "next_at": None, "error_code": "rejected"}
        db.session.execute(db.update(Delivery).values(values))
        db.session.execute(db.update(Tweet).values(due_at=past))
        db.session.commit()
    path = f"/tweets/{tweet_id}/draft"
    for page in ("/", f"/tweets/{tweet_id}"):
        assert f'action="{path}"' in ana.get(page).text
    kept = send(ana, "POST", path).get_json()["draft"]
    options = {str(account): {"made_with_ai": True}}
    assert (kept["text"], kept["when"], kept["options"]) == ("no luck", "", options)
    job = ana.get(f"/tweets/{tweet_id}", headers=JSON).get_json()["jobs"][0]
    assert (job["state"], job["error"]) == ("cancelled", None)
    for again in ("retry", "draft"):
        assert send(ana, "POST", f"/tweets/{tweet_id}/{again}").status_code == 409
    answer = send(ana, "POST", f"/drafts/{kept['id']}/schedule", when="in one hour")
    assert answer.status_code == 202


def test_what_may_be_out_stays(small_world: World, ana: FlaskClient) -> None:
    """Of two accounts one is too far: nothing is cancelled, and there is no draft."""
    with small_world.rows():
        user = User.by_handle("ana")
        user_id, first = user.id, user.accounts[0].id
    second = small_world.connect(user_id, "mastodon", "ana")
    said = {"when": "in two days", "accounts": [first, second]}
    for number, values in enumerate(TOO_FAR):
        answer = send(ana, "POST", "/tweets", text=f"both {number}", **said)
        tweet_id = answer.get_json()["tweet"]["id"]
        with small_world.rows():
            one = Delivery.tweet_id == tweet_id, Delivery.account_id == second
            db.session.execute(db.update(Delivery).where(*one).values(values))
            db.session.commit()
        assert send(ana, "POST", f"/tweets/{tweet_id}/draft").status_code == 409, values
    with small_world.rows():
        assert {one.state for one in Delivery.query if one.account_id == first} == {State.SCHEDULED}
        assert Draft.query.count() == 0


def test_plain_forms(small_world: World, ana: FlaskClient) -> None:
    """Without JavaScript: saved, opened, changed, sent, deleted; a conflict shows both texts."""
    answer = submit(ana, "/drafts", text="By hand", submit_id="form", when="in two days")
    assert answer.status_code == 303
    (kept,) = drafts_of(ana)
    assert answer.location.endswith(f"/?draft={kept['id']}")
    page = ana.get(answer.location).text
    assert "By hand</textarea>" in page
    assert f'name="draft" value="{kept["id"]}"' in page
    seen = {"draft": str(kept["id"]), "draft_version": "1"}
    assert submit(ana, "/drafts", text="Elsewhere", **seen).status_code == 303
    late = submit(ana, "/drafts", text="Here", **seen)
    assert late.status_code == 409
    assert "Here</textarea>" in late.text
    assert f"/?draft={kept['id']}" in late.text
    assert [one["text"] for one in drafts_of(ana)] == ["Elsewhere"]
    # Sent from a page that has not seen the change: that stays a draft.
    assert submit(ana, "/tweets", text="Old page", **seen).status_code == 303
    assert [one["text"] for one in drafts_of(ana)] == ["Elsewhere"]
    seen["draft_version"] = "2"
    assert submit(ana, "/tweets", text="", **seen).status_code == 422
    assert len(drafts_of(ana)) == 1
    assert submit(ana, "/tweets", text="Elsewhere", when="in two days", **seen).status_code == 303
    assert drafts_of(ana) == []
    other = begun(ana, text="To delete")
    assert submit(ana, f"/drafts/{other['id']}/delete").status_code == 303
    assert drafts_of(ana) == []


def test_pictures_live_as_long_as_their_draft(small_world: World, ana: FlaskClient) -> None:
    """The sweep keeps what a draft shows, and deletes it when none does any more."""
    with small_world.rows():
        user_id = User.by_handle("ana").id
        rows = [Picture(user_id=user_id, state=PictureState.READY, mime="image/png") for _ in "ab"]
        db.session.add_all(rows)
        db.session.commit()
        first, second = (row.id for row in rows)

    def swept() -> dict[str, bool]:
        with small_world.rows():
            db.session.execute(db.update(Picture).values(created_at=from_now(-2 * 86_400)))
            db.session.execute(db.update(Picture).values(next_at=utcnow()))
            db.session.commit()
            for _ in range(2):
                pictures.sweep()
            return {row.id: row.claimed for row in Picture.query}

    made = begun(ana, parts=[{"text": "a", "pictures": [first]}, {"pictures": [second]}])
    assert swept() == {first: True, second: True}
    assert send(ana, "DELETE", f"/pictures/{first}").status_code == 409
    assert put(ana, made["id"], '"1"', text="a", pictures=[first]).status_code == 200
    assert swept() == {first: True}
    assert send(ana, "DELETE", f"/drafts/{made['id']}").status_code == 204
    assert swept() == {}


def at_once(world: World, client: FlaskClient, call: Callable[[FlaskClient], Any]) -> list[Any]:
    """Make a call eight times at the same moment; return what was answered, the best first."""
    with client.session_transaction() as session:
        mine = dict(session)
    answers: list[TestResponse] = []
    gate = threading.Barrier(8)

    def ask() -> None:
        window = world.app.test_client()
        with window.session_transaction() as session:
            session.update(mine)
        gate.wait()
        answers.append(call(window))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers, key=lambda answer: answer.status_code)


def test_at_the_same_time(make_world: MakeWorld, database_url: str) -> None:
    """One wins, and the others are told so or get the same answer."""
    world = make_world(database_url)
    ana = signed_in(world, "ana")
    headers = token_of(ana)
    made = begun(ana, text="once")
    path = f"/drafts/{made['id']}"
    seen, key = {**headers, "If-Match": '"1"'}, {**headers, "Idempotency-Key": "new"}
    changed = at_once(
        world, ana, lambda one: one.put(path, json={"text": str(uuid.uuid4())}, headers=seen)
    )
    assert [answer.status_code for answer in changed] == [200] + 7 * [412]
    assert len({answer.get_json()["draft"]["text"] for answer in changed}) == 1
    assert {answer.get_json()["draft"]["version"] for answer in changed} == {2}
    later = {"when": "in one hour"}
    tweets = at_once(
        world, ana, lambda one: one.post(f"{path}/schedule", json=later, headers=headers)
    )
    assert {answer.status_code for answer in tweets} <= {202, 404}
    (job_id,) = {answer.get_json().get("job_id") for answer in tweets} - {None}
    with world.rows():
        assert Tweet.query.count() == 1
        tweet_id = db.session.get_one(Delivery, job_id).tweet_id
    assert drafts_of(ana) == []
    back = f"/tweets/{tweet_id}/draft"
    taken = at_once(world, ana, lambda one: one.post(back, json={}, headers=headers))
    assert [answer.status_code for answer in taken] == [201] + 7 * [409]
    new = at_once(world, ana, lambda one: one.post("/drafts", json={"text": "n"}, headers=key))
    assert [answer.status_code for answer in new] == 8 * [201]
    assert len(drafts_of(ana)) == 2
