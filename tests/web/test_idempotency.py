"""A request that is repeated late under its key, when what it made was changed, or deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.db import db, utcnow
from app.models import Tweet, User, submissions
from tests.conftest import MakeWorld
from tests.support.world import World
from tests.web.test_interests import JSON, send, signed_in

NEXT_YEAR = f"{utcnow().year + 1}-05-01T09:00"
MADE: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "/tweets": ({"text": "One", "when": "in 2 h"}, {"text": "Two"}, "job_id"),
    "/series": (
        {"text": "One", "rrule": "FREQ=DAILY;COUNT=3", "start": NEXT_YEAR},
        {"text": "Two"},
        "series",
    ),
    "/pools": ({"tweets": ["One"]}, {"tweets": ["Two"], "rest_s": 7_200}, "pool"),
    "/signatures": ({"name": "One", "text": "— Ana"}, {"text": "— A."}, "signature"),
    "/selections": ({"name": "One", "accounts": [1]}, {"name": "Two"}, "selection"),
    "/hashtag-sets": ({"name": "One", "text": "#one"}, {"text": "#two"}, "hashtag_set"),
}
"""What makes a thing, what changes it, and where the answer names it."""
DELETED = {"/drafts": ({"text": "One"}, {}, "draft"), **MADE}
del DELETED["/tweets"]  # a cancelled tweet stays


@pytest.fixture
def ana(small_world: World) -> FlaskClient:
    """Ana, signed in, with one account."""
    client = signed_in(small_world, "ana")
    with small_world.rows():
        assert [one.id for one in User.by_handle("ana").accounts] == [1]
    return client


def made(client: FlaskClient, path: str, said: dict[str, Any]) -> tuple[int, Any]:
    """Make something under the key; return the status and the answer."""
    answer = send(client, "POST", path, **said, submit_id="a key")
    return answer.status_code, answer.get_json()


@pytest.mark.parametrize("path", MADE)
def test_after_a_change(ana: FlaskClient, path: str) -> None:
    """The same request gets the same thing, as it is now; what changed it is another request."""
    said, change, noun = MADE[path]
    status, first = made(ana, path, said)
    changed = first[noun]["id"] if isinstance(first[noun], dict) else 1  # in an empty database
    assert send(ana, "PATCH", f"{path}/{changed}", **change).status_code == 200
    again = made(ana, path, said)
    assert again[0] == status
    now = again[1][noun]
    assert now == first[noun] or now["id"] == changed
    assert made(ana, path, {**said, **change})[0] == 422


@pytest.mark.parametrize("path", DELETED)
def test_after_its_end(ana: FlaskClient, path: str) -> None:
    """Nothing is made a second time; a new key makes a new one."""
    said, _, noun = DELETED[path]
    _, first = made(ana, path, said)
    gone = send(ana, "DELETE", f"{path}/{first[noun]['id']}")
    assert gone.status_code in {200, 204}
    status, answer = made(ana, path, said)
    assert (status, answer["error"]["code"]) == (422, "submit_id_reused")
    (listed,) = (
        things
        for name, things in ana.get(path, headers=JSON).get_json().items()
        if isinstance(things, list)
    )
    assert listed == []
    assert send(ana, "POST", path, **said, submit_id="another").status_code == 201


def test_a_draft_that_became_a_tweet(small_world: World, ana: FlaskClient) -> None:
    """A save that arrives late does not bring the draft back."""
    _, first = made(ana, "/drafts", {"text": "Once"})
    path = f"/drafts/{first['draft']['id']}/schedule"
    assert send(ana, "POST", path, when="in 2 h").status_code == 202
    assert made(ana, "/drafts", {"text": "Once"})[0] == 422
    with small_world.rows():
        assert db.session.scalars(db.select(Tweet.text)).all() == ["Once"]


def test_rows_of_before(small_world: World, ana: FlaskClient) -> None:
    """Of what was stored without a digest, it counts what it says now."""
    for path in ("/tweets", "/series", "/pools"):
        made(ana, path, MADE[path][0])
    with small_world.rows():
        for table in ("tweets", "series", "pools"):
            db.session.execute(db.text(f"UPDATE {table} SET made_from = NULL"))
        db.session.commit()
    for path in ("/tweets", "/series", "/pools"):
        assert made(ana, path, MADE[path][0])[0] in {201, 202}, path


def test_keys_are_forgotten(make_world: MakeWorld, database_url: str) -> None:
    """A month after its thing was deleted, a key means nothing."""
    world = make_world(database_url)
    world.user("ana")
    with world.rows():
        user = User.by_handle("ana")
        submissions.spend(user.id, "pool", ["old", None, "new"])
        spent = submissions.SpentKey
        old = db.update(spent).where(spent.submit_id == "old")
        db.session.execute(old.values(spent_at=utcnow() - timedelta(days=31)))
        db.session.commit()
        assert submissions.forget_old() == 1
        submissions.refuse_spent(user.id, "pool", "old")
        with pytest.raises(submissions.SubmitIdReused):
            submissions.refuse_spent(user.id, "pool", "new")
        submissions.refuse_spent(user.id, "draft", "new")
