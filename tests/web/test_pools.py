"""Pools: evergreen texts that get the slots of their account that are still free."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import pictures
from app.db import db, utcnow
from app.models import Delivery, Picture, PictureState, Pool, PoolTweet, Tweet, User
from app.planning import pools
from app.states import State
from tests.conftest import MakeWorld
from tests.support.world import World
from tests.web.test_interests import JSON, send, signed_in, submit
from tests.web.test_queue import together

EVERY_DAY = [
    {"weekday": day, "time": f"{hour:02}:30"} for day in range(1, 8) for hour in (0, 8, 16)
]
"""Three slots a day: within any 24 hours there are three."""
LONG_AGO = utcnow() - timedelta(days=30)


@pytest.fixture
def ana(small_world: World) -> FlaskClient:
    """Ana, signed in."""
    return signed_in(small_world, "ana")


def account_of(world: World) -> int:
    """Return the id of Ana's account."""
    with world.rows():
        return User.by_handle("ana").accounts[0].id


def make(client: FlaskClient, *texts: Any, **more: Any) -> dict[str, Any]:
    """Make a pool and return it."""
    answer = send(client, "POST", "/pools", tweets=list(texts), **more)
    assert answer.status_code == 201, answer.text
    return answer.get_json()["pool"]


def feed(world: World, pool_id: int) -> list[str]:
    """Let a worker look at a pool; return what is in the queue then, the first first."""
    with world.rows():
        pools.feed(pool_id)
        waits = (Delivery.slot_at.is_not(None), Delivery.state == State.SCHEDULED)
        rows = db.select(Tweet.text).join(Delivery).where(*waits)
        return list(db.session.scalars(rows.order_by(Delivery.due_at)))


def test_calls(small_world: World, ana: FlaskClient) -> None:
    """Made once for a key, listed, changed, deleted; nobody else sees it."""
    account_id = account_of(small_world)
    made = make(ana, "One", "Two", account=account_id, rest_s=86_400, submit_id="first")
    assert made == {
        "id": made["id"],
        "account": account_id,
        "rest_s": 86_400,
        "tweets": [
            {"id": made["tweets"][0]["id"], "text": "One", "pictures": [], "last_at": None},
            {"id": made["tweets"][1]["id"], "text": "Two", "pictures": [], "last_at": None},
        ],
    }
    assert make(ana, "One", "Two", rest_s=86_400, submit_id="first")["id"] == made["id"]
    listed = ana.get("/pools", headers=JSON).get_json()
    assert listed == {"pools": [made], "next": None}
    path = f"/pools/{made['id']}"
    changed = send(ana, "PATCH", path, tweets=["Two", "Three"]).get_json()
    assert [one["text"] for one in changed["pool"]["tweets"]] == ["Two", "Three"]
    assert changed["pool"]["tweets"][0]["id"] == made["tweets"][1]["id"]
    assert [one["code"] for one in changed["warnings"]] == ["identical_text"]
    ben = signed_in(small_world, "ben")
    for verb in ("GET", "PATCH", "DELETE"):
        answer = (
            ben.get(path, headers=JSON) if verb == "GET" else send(ben, verb, path, rest_s=3_600)
        )
        assert answer.status_code == 404, verb
    assert send(ana, "DELETE", path).status_code == 204
    assert ana.get(path, headers=JSON).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tweets": []}, "tweets"),
        ({"tweets": ["fine", "x" * 300]}, "tweets-1"),
        ({"tweets": ["fine"], "rest_s": 60}, "rest_s"),
        ({"tweets": ["fine"], "account": 10**6}, "accounts"),
        ({"tweets": ["fine"], "when": "now"}, "when"),
    ],
)
def test_refusals(ana: FlaskClient, body: dict[str, Any], field: str) -> None:
    """A clear sentence at its field, and nothing is stored."""
    answer = send(ana, "POST", "/pools", **body)
    assert (answer.status_code, answer.get_json()["error"]["field"]) == (422, field)
    assert ana.get("/pools", headers=JSON).get_json()["pools"] == []


def test_free_slots_are_filled(small_world: World, ana: FlaskClient) -> None:
    """Each text once in its rest, the queue's own tweets first, a cancelled one's slot again."""
    account_id = account_of(small_world)
    pool = make(ana, "One", "Two", rest_s=40 * 3_600)
    assert feed(small_world, pool["id"]) == []  # there are no slots yet
    path = f"/accounts/{account_id}/slots"
    assert send(ana, "PUT", path, slots=EVERY_DAY).status_code == 200
    mine = send(ana, "POST", "/tweets", text="My own", queue=True).get_json()
    assert feed(small_world, pool["id"]) == ["My own", "One", "Two"]
    assert feed(small_world, pool["id"]) == ["My own", "One", "Two"]
    shown = ana.get(f"/pools/{pool['id']}", headers=JSON).get_json()["pool"]
    assert all(one["last_at"] for one in shown["tweets"])
    send(ana, "POST", f"/tweets/{mine['tweet']['id']}/cancel")
    changed = send(ana, "PATCH", f"/pools/{pool['id']}", tweets=["Two", "One", "Three"])
    assert changed.status_code == 200
    assert feed(small_world, pool["id"]) == ["Three", "One", "Two"]  # in the slot that was free
    with small_world.rows():
        long_ago = utcnow() - timedelta(days=3)
        db.session.execute(db.update(PoolTweet).values(last_at=long_ago))
        db.session.commit()
    assert feed(small_world, pool["id"]) == ["Three", "One", "Two"]  # the next day is full
    with small_world.rows():
        row = db.session.get_one(Pool, pool["id"])
        assert utcnow() < row.next_at <= utcnow() + pools.LATER


def test_wordings_take_turns(small_world: World, ana: FlaskClient) -> None:
    """X gets other words each time, and nobody is warned; each of them must fit."""
    account_id = account_of(small_world)
    send(ana, "PUT", f"/accounts/{account_id}/slots", slots=EVERY_DAY)
    text = "{Good morning|Hello}, readers"
    made = send(ana, "POST", "/pools", tweets=[text], rest_s=3_600)
    assert (made.status_code, made.get_json()["warnings"]) == (201, [])
    assert made.get_json()["pool"]["tweets"][0]["text"] == text
    pool_id = made.get_json()["pool"]["id"]
    turns = ["Good morning, readers", "Hello, readers"]
    assert feed(small_world, pool_id) == [*turns, turns[0]]
    long = send(ana, "POST", "/pools", tweets=["{short|" + "x" * 300 + "}"])
    assert (long.status_code, long.get_json()["error"]["field"]) == (422, "tweets-0")
    many = send(ana, "POST", "/pools", tweets=["{a|b}" * 9]).get_json()["error"]
    assert (many["code"], many["field"]) == ("too_many_wordings", "tweets-0")


def test_pictures(small_world: World, ana: FlaskClient) -> None:
    """They go out with their words, and are kept whole as long as a pool has them."""
    account_id = account_of(small_world)
    with small_world.rows():
        user_id = User.by_handle("ana").id
        rows = [
            Picture(user_id=user_id, state=PictureState.READY, mime="image/png", width=1, height=1)
            for _ in range(2)
        ]
        db.session.add_all(rows)
        db.session.commit()
        one, other = (row.id for row in rows)
    theirs = send(signed_in(small_world, "ben"), "POST", "/pools", tweets=[shown("Mine", one)])
    assert theirs.status_code == 422
    pool = make(ana, "Plain", shown("With a picture", one), rest_s=86_400)
    path = f"/pools/{pool['id']}"
    assert [said["pictures"] for said in pool["tweets"]] == [[], [one]]
    assert 'class="thumbs"' in ana.get("/pools").text
    assert submit(ana, path, texts="Plain\n\nWith a picture", rest_days="1").status_code == 303
    kept = ana.get(path, headers=JSON).get_json()["pool"]["tweets"]
    assert [said["pictures"] for said in kept] == [[], [one]]
    send(ana, "PUT", f"/accounts/{account_id}/slots", slots=EVERY_DAY)
    assert feed(small_world, pool["id"]) == ["Plain", "With a picture"]
    with small_world.rows():
        made = db.session.scalars(db.select(Tweet).where(Tweet.text == "With a picture")).one()
        assert made.parts == [shown("With a picture", one)]
        done = {"state": State.PUBLISHED, "next_at": None, "due_at": LONG_AGO}
        db.session.execute(db.update(Delivery).values(done | {"finished_at": LONG_AGO}))
        db.session.execute(db.update(Picture).values(next_at=LONG_AGO))
        db.session.commit()
        pictures.sweep()
        assert db.session.get_one(Picture, one).state == PictureState.READY
    changed = send(ana, "PATCH", path, tweets=["Plain", shown("With a picture", other)])
    assert changed.get_json()["pool"]["tweets"][1]["pictures"] == [other]
    with small_world.rows():
        db.session.execute(db.update(Picture).values(next_at=LONG_AGO))
        db.session.commit()
        pictures.sweep()
        states = [db.session.get_one(Picture, name).state for name in (one, other)]
        assert states == [PictureState.PAST, PictureState.READY]


def shown(text: str, picture_id: str) -> dict[str, Any]:
    """Return a text with a picture."""
    return {"text": text, "pictures": [picture_id]}


def test_pages(small_world: World, ana: FlaskClient) -> None:
    """Without a script: made, changed, refused with what was typed, deleted."""
    assert "Evergreen" in ana.get("/pools").text
    texts = "One\r\n\r\nTwo, with\r\na second line\r\n \r\nThree"
    assert submit(ana, "/pools", texts=texts, rest_days="7").status_code == 303
    (pool,) = ana.get("/pools", headers=JSON).get_json()["pools"]
    assert [one["text"] for one in pool["tweets"]] == ["One", "Two, with\na second line", "Three"]
    assert pool["rest_s"] == 7 * 86_400
    path = f"/pools/{pool['id']}"
    refused = submit(ana, path, texts="y" * 300, rest_days="7")
    assert (refused.status_code, "y" * 300 in refused.text) == (422, True)
    assert submit(ana, path, texts="Only this", rest_days="8").status_code == 303
    assert "Only this" in ana.get("/pools").text
    assert submit(ana, f"{path}/delete").status_code == 303
    assert ana.get("/pools", headers=JSON).get_json()["pools"] == []


def test_two_workers(make_world: MakeWorld, database_url: str) -> None:
    """Of two that look at the same moment, each slot is given once."""
    world = make_world(database_url)
    ana = signed_in(world, "ana")
    account_id = account_of(world)
    send(ana, "PUT", f"/accounts/{account_id}/slots", slots=EVERY_DAY)
    pool = make(ana, *(f"Text {number}" for number in range(9)))

    def look(_number: int) -> None:
        with world.rows():
            pools.feed(pool["id"])

    together(4, look)
    with world.rows():
        slots = list(db.session.scalars(db.select(Delivery.slot_at)))
        assert len(slots) == len(set(slots)) == 3
        used = db.session.scalar(db.select(db.func.count()).where(PoolTweet.last_at.is_not(None)))
        assert used == 3
        assert db.session.scalars(db.select(Pool.next_at)).one() > utcnow()
