"""How much one person may keep: said in plain words, at the field, and freed again."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin

import pytest

from app import pictures
from app.db import db, from_now
from app.models import Delivery, Tweet, User, quota
from app.models.picture import Picture
from app.pictures import lifecycle
from app.pictures.inspection import PictureRefused
from app.states import State
from tests.conftest import MakeWorld
from tests.support import photos
from tests.support.visitor import Visitor
from tests.support.world import World

pytestmark = pytest.mark.slow

FEW, ROOM = 3, 60_000


@pytest.fixture
def strict(make_world: MakeWorld, database_url: str) -> World:
    """An installation with little room for everybody, and its pages."""
    world = make_world(database_url, MAX_WAITING_TWEETS=str(FEW), MAX_PICTURE_BYTES=str(ROOM))
    world.site = world.start_web()
    return world


def test_waiting_tweets(strict: World) -> None:
    """One too many is a 422 with words, also in a form, which keeps what was written."""
    ana, ben = Visitor(strict.site), Visitor(strict.site)
    ana.sign_in("ana")
    ben.sign_in("ben")
    made = [ana.post("/tweets", text=f"Number {n}", when="in two days") for n in range(FEW)]
    assert {answer.status_code for answer in made} == {202}
    refused = ana.post("/tweets", text="One more", when="in two days")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "quota")
    assert refused.json()["error"]["field"] == "text"
    assert refused.json()["error"]["message"].startswith("You already have 3 waiting tweets")
    page = ana.submit("/tweets", text="Kept words", when="in two days")
    assert page.status_code == 422
    assert "Kept words</textarea>" in page.text
    assert "You already have 3 waiting tweets" in page.text
    assert "Waiting tweets: 3 of 3." in ana.get("/settings").text
    assert ben.post("/tweets", text="Mine", when="in two days").status_code == 202
    tweet_id = made[0].json()["tweet"]["id"]
    assert ana.post(f"/tweets/{tweet_id}/cancel").status_code == 200
    assert ana.post("/tweets", text="One more", when="in two days").status_code == 202


def test_in_the_shell(strict: World) -> None:
    """The shell's verb refuses too, with a sentence; the same submit id again is no other tweet."""
    ana = strict.user("ana")
    strict.connect(ana, "mastodon", "ana")
    both = strict.accounts_of(ana)
    with strict.rows():
        user = db.session.get_one(User, ana)
        for number in range(FEW):  # a tweet for two accounts is one tweet
            job = user.tweet_later(f"{number}", "in one hour", both, submit_id=f"{number}")
        with pytest.raises(quota.QuotaReached, match="3 of your tweets wait already") as refused:
            user.tweet_later("One more", "in one hour")
        assert isinstance(refused.value, ValueError)
        assert user.tweet_later("2", "in one hour", both, submit_id="2") == job
        ended = {"state": State.PUBLISHED, "next_at": None, "finished_at": from_now()}
        one = db.session.get_one(Delivery, job)
        db.session.execute(db.update(Delivery).where(Delivery.id == one.id).values(ended))
        db.session.commit()
        with pytest.raises(quota.QuotaReached):  # half of a tweet waits yet
            user.tweet_later("One more", "in one hour")
        db.session.execute(
            db.update(Delivery).where(Delivery.tweet_id == one.tweet_id).values(ended)
        )
        db.session.commit()
        user.tweet_later("One more", "in one hour")


def test_two_tabs_at_once(strict: World) -> None:
    """Together they are not let in by more than there are of them; pictures not at all."""
    ana = Visitor(strict.site)
    ana.sign_in("ana")
    token = ana.token()
    headers = {"X-CSRFToken": token, "Accept": "application/json"}

    def send(number: int) -> int:
        url = urljoin(strict.site, "/pictures")
        data = photos.file_of(photos.noisy(200, 200 + number))
        files = {"picture": ("photo.jpg", data)}
        return ana.http.post(url, files=files, headers=headers, timeout=30).status_code

    def write(number: int) -> int:
        body = {"text": f"Number {number}", "when": "in two days"}
        url = urljoin(strict.site, "/tweets")
        return ana.http.post(url, json=body, headers=headers, timeout=30).status_code

    with ThreadPoolExecutor(8) as tabs:
        answers = list(tabs.map(send, range(8)))
        written = list(tabs.map(write, range(16)))
    assert set(answers) == {201, 422}
    assert set(written) <= {202, 422}
    with strict.rows():
        assert 0 < quota.picture_bytes(1) <= ROOM
        assert FEW <= quota.waiting_tweets(1) <= FEW + 8


def test_room_for_pictures(strict: World) -> None:
    """Of originals, what was made and thumbnails; what does not fit leaves the words where they
    were, and what goes makes room.
    """
    ana = Visitor(strict.site)
    ana.sign_in("ana")
    url, headers = urljoin(strict.site, "/pictures"), {"X-CSRFToken": ana.token()}
    data = photos.file_of(photos.noisy(320, 240))
    assert ROOM / 2 < len(data) < ROOM
    kept = ana.http.post(url, files={"picture": ("a.jpg", data)}, headers=headers, timeout=30)
    assert kept.status_code == 201
    assert re.search(r"Pictures: \d\d KB of 59 KB\.", ana.get("/settings").text)
    refused = ana.http.post(url, files={"picture": ("b.jpg", data)}, headers=headers, timeout=30)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "quota")
    assert "There is no room for this picture" in refused.json()["error"]["message"]
    form = {"csrf_token": ana.token(), "text": "Kept words", "when": "in two days"}
    page = ana.http.post(
        urljoin(strict.site, "/tweets"),
        data=form,
        files={"picture-files": ("b.jpg", data)},
        headers={"Accept": "text/html"},
        timeout=30,
    )
    assert page.status_code == 422
    assert "Kept words</textarea>" in page.text
    assert "b.jpg: There is no room for this picture" in page.text
    picture_id = kept.json()["id"]
    with strict.rows():
        lifecycle.process(picture_id)
        row = db.session.get_one(Picture, picture_id)
        assert row.thumb_size == len(pictures.thumb(picture_id)) > 0
        assert quota.picture_bytes(1) == row.size + row.thumb_size
        row.state = "past"
        db.session.commit()
        assert quota.picture_bytes(1) == row.thumb_size
        row.state = "ready"
        db.session.commit()
    assert ana.http.delete(f"{url}/{picture_id}", headers=headers, timeout=30).status_code == 204
    with strict.rows():
        assert quota.picture_bytes(1) == 0
        assert pictures.accept(db.session.get_one(User, 1), data, "c.jpg").size == len(data)
        with pytest.raises(PictureRefused):
            pictures.accept(db.session.get_one(User, 1), data, "d.jpg")
        assert db.session.scalars(db.select(Tweet)).all() == []
